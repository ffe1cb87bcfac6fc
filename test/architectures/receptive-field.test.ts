import { type InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import {
  alexnet,
  type BackboneDescription,
  buildBackbone,
  cifarResnet,
  googlenet,
  resnet,
  slimResnetV2,
  vgg,
} from '../../src/architectures/index.ts'
import { fieldSize, receptiveFields } from '../../src/architectures/receptive-field.ts'
import { zeroWeights } from '../../src/weights/random.ts'
import type { Weights } from '../../src/weights/weights.ts'
import { openModel } from './run-model.ts'
import { seeded } from './seeded.ts'

const sizes = (description: BackboneDescription): Record<string, number> => {
  const fields = receptiveFields(buildBackbone(description, zeroWeights()))
  return Object.fromEntries(
    ['c2', 'c3', 'c4', 'c5'].map((level) => {
      const field = fields.get(level)
      return [level, field ? fieldSize(field) : 0]
    }),
  )
}

describe('the receptive field', () => {
  // By hand: r grows by (kernel - 1) x stride so far. Stem 7x7 of stride 2: 7; pool 3x3: 7 + 2 x 2 = 11, stride 4.
  it.each<[string, BackboneDescription, Record<string, number>]>([
    // 11 + 3 x 8 = 35; + 4 x 16 = 99; + 6 x 32 = 291; + 3 x 64 = 483: the stride stands before the 3x3.
    ['resnet50-v1', resnet(50, { variant: 'v1' }), { c2: 35, c3: 99, c4: 291, c5: 483 }],
    // The first 3x3 of a stage has the stride itself and still sees the finer map: 8, 16, 32 less each time.
    ['resnet50', resnet(50), { c2: 35, c3: 91, c4: 267, c5: 427 }],
    // The paper's table 1 with the stride before each 3x3: 291 - 6 x 32 + 23 x 32 = 835; + 3 x 64 = 1027.
    ['resnet101-v1', resnet(101, { variant: 'v1' }), { c2: 35, c3: 99, c4: 835, c5: 1027 }],
    // Basic: 11 + 4 x 8 = 43; 8 + 3 x 16 = 99; 16 + 3 x 32 = 211; 32 + 3 x 64 = 435.
    ['resnet18', resnet(18), { c2: 43, c3: 99, c4: 211, c5: 435 }],
    // conv3_3: 40, conv4_3: 92, conv5_3: 196, pool5: 196 + 16.
    ['vgg16', vgg(16), { c2: 40, c3: 92, c4: 196, c5: 212 }],
    ['alexnet', alexnet(), { c2: 11, c3: 51, c4: 163, c5: 195 }],
  ])('of %s is what a hand computes', (_, description, expected) => {
    expect(sizes(description)).toEqual(expected)
  })

  it('of a dilated last stage is that of a strided one', () => {
    expect(sizes(resnet(50, { variant: 'v1', dilatedLast: true })).c5).toBe(483)
  })
})

/** Weights that let every change through: positive, so that no ReLU closes and nothing cancels. */
const POSITIVE: Weights = {
  names: () => [],
  has: () => true,
  unused: () => [],
  tensor: (name, shape) => {
    const isOne = /(\.scale|\.running_var|\.bn\.weight)$/.test(name)
    if (shape.length < 2) return new Float32Array(shape[0] ?? 0).fill(isOne ? 1 : 0)
    const fanIn = shape.slice(1).reduce((product, dim) => product * dim, 1)
    return seeded(name, shape).map((value) => (0.5 + Math.abs(value)) / fanIn)
  },
}

/** First and last column of the input that a middle cell of a map depends on: a bright column moves, and the cell is watched. */
async function seenColumns(session: InferenceSession, level: string, width: number, column: number): Promise<number[]> {
  const height = 3
  const seen: number[] = []
  const at = async (bright: number): Promise<number> => {
    const image = new Float32Array(3 * height * width).fill(0.01)
    for (let row = 0; row < 3 * height; row++) if (bright >= 0) image[row * width + bright] = 1e6
    const { [level]: map } = await session.run({ image: new Tensor('float32', image, [1, 3, height, width]) })
    if (!map || !(map.data instanceof Float32Array)) throw new Error(`no ${level}`)
    const [, channels = 0, rows = 0, columns = 0] = map.dims
    let sum = 0
    for (let channel = 0; channel < channels; channel++) sum += map.data[channel * rows * columns + column] as number
    return sum
  }
  const dark = await at(-1)
  for (let bright = 0; bright < width; bright++) if ((await at(bright)) > dark) seen.push(bright)
  return seen
}

const ONES = [1, 1, 1, 1, 1, 1] as const

const narrow: Record<string, BackboneDescription> = {
  v1: resnet(50, { variant: 'v1', stages: [1, 2, 1], width: 1 }),
  'v1.5': resnet(50, { stages: [1, 2, 1], width: 1 }),
  'v1.5 with the stride last': resnet(50, { stages: [2, 2, 1], width: 1, strideIn: 'last-unit', stemPool: 'end' }),
  'option A': resnet(18, { stages: [1, 1], width: 1, shortcut: 'A' }),
  'pre-activation': { ...slimResnetV2(50, ['c3']), stages: [2, 2, 1], width: 1 },
  cifar: cifarResnet(14, { width: 2 }),
  modules: googlenet({ stem: [1, 1, 1], stages: [[ONES], [ONES, ONES], [ONES]] }),
  plain: cifarResnet(14, { width: 2, shortcut: 'none' }),
}

it.each(Object.entries(narrow))('%s: just the columns of the field change a cell', async (_, description) => {
  const model = buildBackbone(description, POSITIVE)
  const fields = receptiveFields(model)
  const level = model.graph.outputs.at(-1)?.name ?? ''
  const field = fields.get(level)
  if (!field) throw new Error(`no field of ${level}`)
  const column = Math.ceil(-field.first / field.stride) + 1
  const width = field.last + (column + 2) * field.stride
  const session = await openModel(model)
  const seen = await seenColumns(session, level, width, column)
  await session.release()
  expect([seen[0], seen.at(-1)]).toEqual([field.first + column * field.stride, field.last + column * field.stride])
})
