import { expect, it } from 'vitest'
import { encodeModel } from '../../src/onnx/codec.ts'
import { GraphBuilder } from '../../src/onnx/graph.ts'
import { tensorFrom } from '../../src/onnx/tensors.ts'
import { int8Weight } from '../../src/onnx/transforms/int8-weights.ts'
import { seededRandom } from '../../src/random.ts'
import { nodeRuntime } from '../../src/runtime/node.ts'

const CHANNELS = 32
const SIDE = 9
/** Large weights of mostly one sign: without the cut of neighbours they overflow 16 bits on a CPU without VNNI. */
const next = seededRandom(3)
const weights = Float32Array.from({ length: CHANNELS * CHANNELS * 9 }, () => 0.5 + next() + next() + next() - 1.5)
const image = Uint8Array.from({ length: CHANNELS * SIDE * SIDE }, () => 128 + next() * 128)

it.each([3, 1])('a convolution with a kernel of side %i in bytes is exact on this CPU', async (kernel) => {
  const dims = [CHANNELS, CHANNELS, kernel, kernel]
  const source = tensorFrom(weights.slice(0, CHANNELS * CHANNELS * kernel ** 2), dims)
  const { values, scales } = int8Weight(source, 0, 'weight')
  const sums = exactSums(values, kernel)
  const largest = sums.reduce((most, sum, i) => Math.max(most, sum * (scales[Math.floor(i / SIDE ** 2)] as number)), 0)

  const graph = new GraphBuilder('bytes')
  const constant = (name: string, data: Parameters<typeof tensorFrom>[0], shape?: number[]) =>
    graph.initializer(name, tensorFrom(data, shape))
  const [one, zero] = [constant('one', Float32Array.of(1), []), constant('zero', new Uint8Array(1), [])]
  const step = constant('step', Float32Array.of(largest / 255), [])
  const x = graph.input('x', 'float32', [1, CHANNELS, SIDE, SIDE])
  const weight = graph.dequantizeLinear(constant('weight', values, dims), constant('scales', scales), undefined, 0)
  const bytes = graph.dequantizeLinear(graph.quantizeLinear(x, one, zero), one, zero)
  const y = graph.conv(bytes, weight, undefined, { pads: (kernel - 1) / 2 })
  graph.output(graph.dequantizeLinear(graph.quantizeLinear(y, step, zero), step, zero), 'y')

  const session = await (await nodeRuntime()).open(encodeModel(graph.build()), 'cpu', { threads: 1 })
  const feed = { dataType: 'float32', dims: [1, CHANNELS, SIDE, SIDE], data: Float32Array.from(image) } as const
  const { y: result } = await session.run({ x: feed })
  await session.dispose()
  const found = result && 'data' in result ? result.data : new Float32Array()
  let worst = 0
  sums.forEach((sum, i) => {
    const expected = (sum * (scales[Math.floor(i / SIDE ** 2)] as number)) / (largest / 255)
    const steps = (found[i] as number) / (largest / 255)
    worst = Math.max(worst, Math.abs(Math.min(255, Math.max(0, expected)) - steps))
  })
  // Half a step is rounding.
  expect(worst).toBeGreaterThan(0.4)
  expect(worst).toBeLessThan(0.51)
})

/** The convolution in whole numbers. */
function exactSums(values: Int8Array, kernel: number): Float64Array {
  const sums = new Float64Array(CHANNELS * SIDE * SIDE)
  const reach = (kernel - 1) / 2
  const inside = (i: number): boolean => i >= 0 && i < SIDE
  for (let i = 0; i < sums.length; i++) {
    const [output, row, column] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE]
    for (let k = 0; k < CHANNELS * kernel ** 2; k++) {
      const [input, ky, kx] = [Math.floor(k / kernel ** 2), Math.floor(k / kernel) % kernel, k % kernel]
      const [y, x] = [row + ky - reach, column + kx - reach]
      if (!inside(y) || !inside(x)) continue
      const weight = values[output * CHANNELS * kernel ** 2 + k] as number
      sums[i] = (sums[i] as number) + weight * (image[(input * SIDE + y) * SIDE + x] as number)
    }
  }
  return sums
}
