import { describe, expect, it } from 'vitest'
import {
  alexnet,
  type BackboneDescription,
  backboneFeatures,
  buildBackbone,
  buildClassifier,
  buildRoiHead,
  buildRpn,
  cifarResnet,
  googlenet,
  type ResnetDepth,
  type RoiHeadDescription,
  type RpnDescription,
  resnet,
  slimResnetV2,
  vgg,
} from '../../src/architectures/index.ts'
import { zeroWeights } from '../../src/weights/random.ts'

const INVALID = expect.objectContaining({ code: 'INVALID_ARGUMENT' })

describe('backbones', () => {
  it.each<[string, unknown, RegExp]>([
    ['a family', { family: 'densenet' }, /family.*"densenet"/],
    ['no stages', resnet(18, { stages: [] }), /1 to 8 stages for stages/],
    ['a stage without units', resnet(18, { stages: [2, 0] }), /units of a stage.*0/],
    ['half a unit', resnet(18, { stages: [2, 1.5] }), /units of a stage.*1\.5/],
    ['a width', resnet(18, { width: Number.NaN }), /width.*NaN/],
    ['a unit', { ...resnet(18), unit: 'dense' }, /'basic' or 'bottleneck' for unit.*"dense"/],
    ['a variant', { ...resnet(18), variant: 'v3' }, /variant.*"v3"/],
    ['an epsilon', resnet(18, { norm: { kind: 'batch', epsilon: -1 } }), /norm\.epsilon.*-1/],
    ['own activations of v1', resnet(18, { preactLevels: ['c3'] }), /preactLevels/],
    ['own activations of a level that is not there', slimResnetV2(50, ['c6']), /preactLevels.*"c6"/],
    ['groups of basic units', resnet(18, { groups: { count: 2, width: 4 } }), /groups.*"basic"/],
    ['no groups', resnet(50, { groups: { count: 0, width: 4 } }), /groups\.count.*0/],
    ['a dilated v2', { ...slimResnetV2(50), dilatedLast: true }, /dilatedLast.*true/],
    ['a stem', { ...resnet(18), stem: '5x5' }, /'7x7' or '3x3' for stem.*"5x5"/],
    ['a shortcut', { ...resnet(18), shortcut: 'D' }, /'A' or 'B' or 'C' or 'none' for shortcut.*"D"/],
    ['biases of v1', resnet(18, { bareBias: false }), /bareBias.*false/],
    ['own activations of a level of another stem', cifarResnet(20, { variant: 'v2', preactLevels: ['c5'] }), /'c0' or/],
    ['widths of AlexNet', alexnet({ widths: [1, 2] }), /5 convolutions for widths/],
    ['a width of AlexNet', alexnet({ widths: [1, 2, 3, 4, 0] }), /width of a convolution.*0/],
    ['hidden channels', alexnet({ hidden: 0 }), /hidden.*0/],
    ['hidden channels of VGG', vgg(16, { hidden: -1 }), /hidden.*-1/],
    ['a norm of VGG', vgg(16, { norm: { kind: 'batch', epsilon: 2 } }), /norm\.epsilon.*2/],
    ['a stem of GoogLeNet', googlenet({ stem: [1] }), /3 convolutions for stem/],
    ['stages of GoogLeNet', googlenet({ stages: [[], [], []] }), /1 to 26 modules for stages/],
    ['a width of GoogLeNet', googlenet({ stem: [1, 2, 0] }), /width of a convolution.*0/],
    ['stages of VGG', { ...vgg(16), convolutions: [1] }, /5 stages for convolutions/],
  ])('refuse %s', (_, description, message) => {
    const build = () => backboneFeatures(description as BackboneDescription)
    expect(build).toThrow(message)
    expect(build).toThrow(INVALID)
  })

  it('refuse depths and levels that do not exist', () => {
    expect(() => resnet(99 as ResnetDepth)).toThrow('Expected 18, 34, 50, 101, 152, 200 for depth but received 99.')
    expect(() => vgg(12 as 16)).toThrow('Expected 11, 13, 16, 19 for depth but received 12.')
    expect(() => cifarResnet(51)).toThrow('Expected 6 n + 2 for depth but received 51.')
    expect(() => cifarResnet(110.5)).toThrow(INVALID)
    expect(() => cifarResnet(2)).toThrow(INVALID)
    expect(() => cifarResnet(165, { unit: 'bottleneck' })).toThrow('Expected 9 n + 2 for depth but received 165.')
    expect(() => buildBackbone(vgg(16), zeroWeights(), ['c6'])).toThrow(/'c2' or 'c3' or 'c4' or 'c5' for levels.*"c6"/)
    expect(() => buildBackbone(vgg(16), zeroWeights(), [])).toThrow(/at least one level/)
    expect(() => buildClassifier(resnet(18), zeroWeights(), 0)).toThrow(/classes.*0/)
  })
})

const c = (number: number, channels = 8) => ({ name: `c${number}`, channels, stride: 2 ** number })

describe('buildRpn', () => {
  const pyramid = { channels: 4, extraLevel: false }
  it.each<[string, Partial<RpnDescription>, RegExp]>([
    ['no levels', { levels: [] }, /at least one level/],
    ['levels in the wrong order', { levels: [c(4), c(3)], pyramid }, /follow each other/],
    ['a missing level', { levels: [c(3), c(5)], pyramid }, /follow each other/],
    ['a level of another name', { levels: [{ name: 'x', channels: 8, stride: 8 }], pyramid }, /c0 to c9.*"x"/],
    ['different channels without a pyramid', { levels: [c(3, 4), c(4, 8)] }, /equal channels.*\[4, 8\]/],
    ['no anchors', { anchors: 0 }, /anchors per cell.*0/],
    ['no channels', { channels: 0 }, /RPN channels.*0/],
    ['no convolutions', { convolutions: 0 }, /RPN convolutions.*0/],
    ['a pyramid without channels', { pyramid: { ...pyramid, channels: -1 } }, /pyramid channels.*-1/],
  ])('refuses %s', (_, changes, message) => {
    const build = () => buildRpn({ levels: [c(3)], channels: 4, anchors: 3, ...changes }, zeroWeights())
    expect(build).toThrow(message)
    expect(build).toThrow(INVALID)
  })
})

describe('buildRoiHead', () => {
  const head: RoiHeadDescription = {
    levels: [c(4)],
    pool: { kind: 'max', size: 7 },
    body: { kind: 'fc', channels: 4 },
    classes: 2,
    classAgnostic: false,
  }
  it.each<[string, Partial<RoiHeadDescription>, RegExp]>([
    ['no levels', { levels: [] }, /one or more levels/],
    ['levels of different channels', { levels: [c(3, 4), c(4, 8)] }, /equal channels/],
    ['no classes', { classes: 0 }, /classes.*0/],
    ['no size', { pool: { kind: 'max', size: 0 } }, /pool\.size.*0/],
    ['a sampling ratio', { pool: { kind: 'align', size: 7, samplingRatio: -1, aligned: true } }, /samplingRatio.*-1/],
    ['no channels', { body: { kind: 'fc', channels: 0 } }, /body\.channels.*0/],
    [
      'no convolutions',
      { body: { kind: 'convolutions', count: 0, norm: { kind: 'folded' }, channels: 4 } },
      /body\.count.*0/,
    ],
    ['a v2 stage', { body: { kind: 'stage', backbone: slimResnetV2(50) } }, /v1 or v1\.5/],
    ['a stage of other channels', { body: { kind: 'stage', backbone: resnet(50) } }, /reads 8 channels.*1024/],
  ])('refuses %s', (_, changes, message) => {
    const build = () => buildRoiHead({ ...head, ...changes }, zeroWeights())
    expect(build).toThrow(message)
    expect(build).toThrow(INVALID)
  })
})
