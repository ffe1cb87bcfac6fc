import { afterAll, beforeAll, expect, it } from 'vitest'
import { localDetector } from '../../src/detector/local-detector.ts'
import type { PrecisionChoice } from '../../src/detector/precision.ts'
import { createSessions } from '../../src/detector/sessions.ts'
import type { RgbImage } from '../../src/images/image.ts'
import { type LoadedModel, openModel } from '../../src/models/load.ts'
import { locateModel } from '../../src/models/locate.node.ts'
import { decodeModel } from '../../src/onnx/codec.ts'
import { nodeRuntime } from '../../src/runtime/node.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { testPhoto, tinyModelFolder } from '../tiny-model.ts'

const photo = testPhoto(128, 96)
const opened: AsyncDisposable[] = []
let model: LoadedModel

beforeAll(async () => {
  model = await openModel(await locateModel(await tinyModelFolder()))
})
afterAll(() => Promise.all(opened.map((each) => each[Symbol.asyncDispose]())))

/** The CPU, which has no float16 of its own, with one number beyond it in an output of every graph that is in float16. */
async function overflowing(output: string): Promise<Runtime> {
  const cpu = await nodeRuntime()
  return {
    ...cpu,
    async open(graph, device, options) {
      const session = await cpu.open(graph, device, options)
      const { initializers } = decodeModel(graph).graph
      if (![...initializers.values()].some(({ dataType }) => dataType === 'float16')) return session
      return {
        ...session,
        async run(feeds, into) {
          const tensors = await session.run(feeds, into)
          const tensor = tensors[output]
          if (tensor && 'data' in tensor) tensor.data[tensor.data.length - 1] = Number.NEGATIVE_INFINITY
          return tensors
        },
      }
    },
  }
}

/** A detector that began in a precision. */
async function detectorIn(
  precision: 'float16' | 'float32',
  choice: PrecisionChoice,
  output = 'objectness_p4',
  decode = async (image: RgbImage) => image,
) {
  const device = { device: 'cpu', reason: 'for the test', precision } as const
  const sessions = createSessions(model, await overflowing(output), device, { precision: choice })
  opened.push({ [Symbol.asyncDispose]: () => sessions.dispose() })
  return localDetector(model.manifest, sessions, decode)
}

it.each(['objectness_p4', 'class_logits', 'box_deltas'])(
  'a photo with %s beyond float16 is done again in float32, and so are all later ones',
  async (output) => {
    const [expected] = await (await detectorIn('float32', 'float32')).detectBatch([photo])
    expect(expected?.detections.length).toBeGreaterThan(0)
    const detector = await detectorIn('float16', 'auto', output)
    expect(detector.precision).toBe('float16')
    const together = await Promise.all([1, 2, 3].map(() => detector.detectBatch([photo])))
    for (const [result] of [...together, await detector.detectBatch([photo])]) {
      expect(result?.precision).toBe('float32')
      expect(result?.detections).toEqual(expected?.detections)
    }
  },
)

it('feature maps are checked, too', async () => {
  const detector = await detectorIn('float16', 'auto', 'c4')
  const { c4 } = await detector.extract(photo, { levels: ['c4'] })
  expect(detector.precision).toBe('float32')
  expect(c4?.data.every(Number.isFinite)).toBe(true)
})

it('a photo that can be read only once is not read again', async () => {
  let reads = 0
  const detector = await detectorIn('float16', 'auto', 'class_logits', async (image) => {
    if (++reads > 1) throw new Error('read twice')
    return image
  })
  const [result] = await detector.detectBatch([photo])
  expect(result?.precision).toBe('float32')
})

it('float16 that was asked for fails, and says what to do', async () => {
  const detector = await detectorIn('float16', 'float16')
  await expect(detector.detectBatch([photo])).rejects.toMatchObject({
    code: 'INFERENCE_FAILED',
    message: expect.stringContaining('load the model with precision "float32"'),
  })
  expect(detector.precision).toBe('float16')
})
