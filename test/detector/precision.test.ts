import { beforeAll, describe, expect, it } from 'vitest'
import type { Precision } from '../../src/detector/in-precision.ts'
import { choosePrecision, type PrecisionChoice } from '../../src/detector/precision.ts'
import { loadDetector } from '../../src/load/node.ts'
import { openModel } from '../../src/models/load.ts'
import { locateModel } from '../../src/models/locate.node.ts'
import type { ModelManifest } from '../../src/models/manifest.ts'
import { decodeModel } from '../../src/onnx/codec.ts'
import type { Device, Runtime, Session } from '../../src/runtime/runtime.ts'
import { errorOf } from '../error-of.ts'
import { PLAIN_TRAITS } from '../plain-traits.ts'
import { tinyModelFolder } from '../tiny-model.ts'

let folder: string
let plain: ModelManifest
let calibrated: ModelManifest

beforeAll(async () => {
  folder = await tinyModelFolder()
  plain = (await openModel(await locateModel(folder))).manifest
  const graphs = Object.entries(plain.graphs).map(([name, graph]) => [name, { ...graph, precision: 'int8' }])
  calibrated = { ...plain, graphs: Object.fromEntries(graphs) }
})

/** A runtime that takes so many milliseconds for a graph of each precision; a graph without a time is refused. */
function runtimeOf(times: Partial<Record<Precision, number>>, y = 1): Runtime & { readonly opened: Precision[] } {
  const opened: Precision[] = []
  return {
    opened,
    name: 'clock',
    devices: ['webgpu', 'cpu'],
    async open(model): Promise<Session> {
      const { nodes, initializers } = decodeModel(model).graph
      const isHalf = [...initializers.values()].some(({ dataType }) => dataType === 'float16')
      const isInt8 = nodes.some(({ opType }) => opType === 'QuantizeLinear')
      const precision = isInt8 ? 'int8' : isHalf ? 'float16' : 'float32'
      opened.push(precision)
      const time = times[precision]
      if (time === undefined) return errorOnRun()
      return {
        inputs: [],
        outputs: [],
        async run() {
          await new Promise((resolve) => setTimeout(resolve, time))
          return { y: { dims: [1], data: Float32Array.of(precision === 'float32' ? 1 : y) } }
        },
        async dispose() {},
      }
    },
    probe: async (device) => ({ device, works: true, reason: 'it does' }),
    unwise: async () => undefined,
    isLost: () => false,
    traits: () => PLAIN_TRAITS,
  }
}

function errorOnRun(): Promise<Session> {
  return loadDetector('/nowhere').then(() => Promise.reject(new Error('there is a model at /nowhere')))
}

const choose = (runtime: Runtime, device: Device, manifest: ModelManifest, choice: PrecisionChoice = 'auto') =>
  choosePrecision(runtime, device, manifest, choice)

describe('precision: auto', () => {
  it('takes int8 for a calibrated model where it is faster, and float32 where it is not', async () => {
    expect(await choose(runtimeOf({ float32: 40, int8: 4 }), 'cpu', calibrated)).toBe('int8')
    expect(await choose(runtimeOf({ float32: 4, int8: 40 }), 'cpu', calibrated)).toBe('float32')
  })

  it('takes float16 on a GPU where it is faster, also for a calibrated model', async () => {
    expect(await choose(runtimeOf({ float32: 40, float16: 4 }), 'webgpu', plain)).toBe('float16')
    expect(await choose(runtimeOf({ float32: 40, float16: 4 }), 'webgpu', calibrated)).toBe('float16')
    expect(await choose(runtimeOf({ float32: 4, float16: 40 }), 'webgpu', plain)).toBe('float32')
  })

  it('takes float32 where the device refuses the other form, or computes something else in it', async () => {
    expect(await choose(runtimeOf({ float32: 4 }), 'webgpu', plain)).toBe('float32')
    expect(await choose(runtimeOf({ float32: 40, int8: 4 }, 2), 'cpu', calibrated)).toBe('float32')
  })

  it('measures once, and nothing where there is nothing to choose', async () => {
    const runtime = runtimeOf({ float32: 20, int8: 2 })
    expect(await choose(runtime, 'cpu', plain)).toBe('float32')
    expect(runtime.opened).toEqual([])
    await Promise.all([choose(runtime, 'cpu', calibrated), choose(runtime, 'cpu', calibrated)])
    await choose(runtime, 'cpu', calibrated)
    expect(runtime.opened).toEqual(['float32', 'int8'])
  })
})

describe('precision by name', () => {
  it('is taken without measuring', async () => {
    const runtime = runtimeOf({})
    expect(await choose(runtime, 'cpu', calibrated, 'int8')).toBe('int8')
    expect(await choose(runtime, 'cpu', calibrated, 'float32')).toBe('float32')
    expect(await choose(runtime, 'webgpu', calibrated, 'float16')).toBe('float16')
    expect(runtime.opened).toEqual([])
  })

  it.each([
    ['bf16', 'INVALID_ARGUMENT: Expected one of auto, float32, float16, int8 for precision but received "bf16".'],
    [
      'int8',
      'INVALID_ARGUMENT: Expected float32, float16 or auto, as the model was not calibrated for int8 (vertebra quantize does ' +
        'that), for precision but received "int8".',
    ],
    [
      'float16',
      'DEVICE_UNAVAILABLE: Expected a device that computes in float16, such as webgpu or cuda, but "cpu" does not.',
    ],
  ])('%s is refused where it cannot be', async (precision, message) => {
    const options = { device: 'cpu', precision: precision as PrecisionChoice } as const
    expect(await errorOf(loadDetector(folder, options))).toBe(message)
  })
})
