import { describe, expect, it } from 'vitest'
import { ARCHITECTURES, architectureByName } from '../../src/architectures/index.ts'
import { summarizeArchitecture } from '../../src/architectures/summary.ts'

const summary = (name: string, size?: { width: number; height: number }) =>
  summarizeArchitecture(architectureByName(name), size)

const stageNames = (name: string) => summary(name).stages.map((stage) => `${stage.name} ${stage.units.length}`)

describe('the stages of a network', () => {
  it.each(ARCHITECTURES.filter(({ name }) => !name.includes('1202')).map(({ name }) => name))(
    'hold all of %s',
    (name) => {
      const { stages, features, parameters, multiplyAdds } = summary(name)
      expect(stages.reduce((sum, stage) => sum + stage.parameters, 0)).toBe(parameters)
      expect(stages.reduce((sum, stage) => sum + stage.multiplyAdds, 0)).toBe(multiplyAdds)
      const tapped = stages.flatMap((stage) => stage.units.flatMap((unit) => unit.levels))
      expect(tapped).toEqual(features.map((feature) => feature.name))
      for (const { levels, stage } of stages.flatMap((each) => each.units.map((unit) => ({ ...unit, stage: each })))) {
        for (const level of levels) {
          const { channels, height, width, stride, receptiveField } = features.find((f) => f.name === level) ?? {}
          expect(stage.output).toEqual([channels, height, width])
          expect([stage.stride, stage.receptiveField]).toEqual([stride, receptiveField])
        }
      }
    },
  )

  it('are those of the paper', () => {
    expect(stageNames('resnet101')).toEqual([
      ...['conv1 1', 'pool 1', 'block1 3', 'block2 4', 'block3 23', 'block4 3', 'classifier 1'],
    ])
    expect(stageNames('resnet1202-cifar')).toEqual([
      'conv1 1',
      'block1 200',
      'block2 200',
      'block3 200',
      'classifier 1',
    ])
    expect(stageNames('vgg16').filter((name) => name !== 'pool 1')).toEqual([
      ...['conv1 2', 'conv2 2', 'conv3 3', 'conv4 3', 'conv5 3', 'classifier 3'],
    ])
    expect(stageNames('googlenet').slice(-6)).toEqual([
      ...['inception3 2', 'pool 1', 'inception4 5', 'pool 1', 'inception5 2', 'classifier 1'],
    ])
  })

  it('have the shortcuts of their option', () => {
    const shortcuts = (name: string) => {
      const blocks = summary(name).stages.filter((stage) => stage.name.startsWith('block'))
      return blocks.map(({ units }) => units.map((unit) => unit.shortcut).join(' '))
    }
    expect(shortcuts('resnet18')).toEqual(['identity identity', ...Array(3).fill('projection identity')])
    expect(shortcuts('resnet18-a')).toEqual(['identity identity', ...Array(3).fill('padded identity')])
    expect(shortcuts('resnet18-c')).toEqual(Array(4).fill('projection projection'))
    expect(shortcuts('plain18')).toEqual(Array(4).fill('none none'))
    expect(shortcuts('resnet50-v2')[0]).toBe('projection identity identity')
  })

  it('have the layers of their units', () => {
    const unit = summary('resnext50-32x4d').stages[3]?.units[0]
    expect(unit?.branches).toEqual([
      [
        { kind: 'conv', kernel: 1, stride: 1, dilation: 1, groups: 1, channels: 256 },
        { kind: 'conv', kernel: 3, stride: 2, dilation: 1, groups: 32, channels: 256 },
        { kind: 'conv', kernel: 1, stride: 1, dilation: 1, groups: 1, channels: 512 },
      ],
    ])
    const module = summary('googlenet').stages.find((stage) => stage.name === 'inception3')?.units[0]
    const shown = module?.branches.map((branch) => branch.map((layer) => layer.channels ?? layer.kind).join(' '))
    expect(shown).toEqual(['64', '96 128', '16 32', 'max-pool 32'])
  })
})

it('a picture of another size costs more', () => {
  const { input, stages, features, multiplyAdds } = summary('resnet50', { width: 320, height: 256 })
  expect(input).toEqual({ width: 320, height: 256 })
  expect(stages.at(-2)?.output).toEqual([2048, 8, 10])
  expect(features.at(-1)).toEqual({ name: 'c5', channels: 2048, stride: 32, height: 8, width: 10, receptiveField: 427 })
  expect(multiplyAdds).toBeGreaterThan(summary('resnet50').multiplyAdds)
})

it('a top of fully connected layers counts at its own size only', () => {
  expect(summary('vgg16').hasClassifier).toBe(true)
  const { hasClassifier, stages, parameters } = summary('vgg16', { width: 320, height: 224 })
  expect([hasClassifier, stages.at(-1)?.name, parameters]).toEqual([false, 'pool', 14_714_688])
})

it('refuses sizes that are none, or too small', () => {
  const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
  expect(() => summary('resnet18', { width: 0, height: 10 })).toThrow(invalid)
  expect(() => summary('resnet18', { width: 10, height: 1.5 })).toThrow(invalid)
  expect(() => summary('alexnet', { width: 20, height: 20 })).toThrow(
    expect.objectContaining({ code: 'GRAPH_INVALID' }),
  )
})
