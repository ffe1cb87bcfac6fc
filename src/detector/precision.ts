import { unexpected, VertebraError } from '../errors.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { isFor } from '../models/task.ts'
import { int, ints } from '../onnx/attributes.ts'
import { encodeModel } from '../onnx/codec.ts'
import type { Attribute, Model, Node, Tensor } from '../onnx/model.ts'
import { plainNode } from '../onnx/plain-node.ts'
import { tensorFrom } from '../onnx/tensors.ts'
import { computeInHalf } from '../onnx/transforms/compute-in-half.ts'
import { dequantizeWeights } from '../onnx/transforms/dequantize-weights.ts'
import { restoreFloats } from '../onnx/transforms/restore-floats.ts'
import { winogradConvolutions } from '../onnx/transforms/winograd.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import type { Device, DeviceTraits, Runtime, Session } from '../runtime/runtime.ts'
import { smallModel } from '../runtime/small-model.ts'

/** What a network can compute in. */
export const PRECISIONS = ['float32', 'float16', 'int8'] as const

export type Precision = (typeof PRECISIONS)[number]

/** A precision, or `auto`: the one that is fast on the device and that the model is made for. */
export type PrecisionChoice = Precision | 'auto'

/** @throws VertebraError `INVALID_ARGUMENT` for anything but a precision or `auto`. */
export function checkPrecisionChoice(choice: unknown): PrecisionChoice {
  if (choice === 'auto' || PRECISIONS.some((precision) => precision === choice)) return choice as PrecisionChoice
  throw unexpected('precision', `one of auto, ${PRECISIONS.join(', ')}`, choice)
}

/** Whether a model was calibrated to compute in int8. */
export function isCalibrated({ graphs }: ModelManifest): boolean {
  return Object.values(graphs).some(({ precision }) => precision === 'int8')
}

/** ONNX Runtime has no float16 kernels for these: it would compute in float32 and convert at every step. */
const WITHOUT_HALF: ReadonlySet<Device> = new Set(['cpu', 'wasm'])

/** Devices that are known to have integer kernels for the graphs of `vertebra quantize`. */
const WITH_BYTES: ReadonlySet<Device> = new Set(['cpu', 'wasm'])

/** A precision with fewer digits must be so much faster that it is no accident. */
const LEAST_GAIN = 1.15

/**
 * What a model computes in on a device. `auto` takes int8 for a calibrated model where byte kernels are there and a small network is
 * faster with them, float16 on a GPU where that is so, else float32.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for int8 of a model that was not calibrated, `DEVICE_UNAVAILABLE` for float16 on a
 * device without it; `ABORTED`.
 */
export async function choosePrecision(
  runtime: Runtime,
  device: Device,
  manifest: ModelManifest,
  choice: PrecisionChoice,
  { signal }: Pick<WorkOptions, 'signal'> = {},
): Promise<Precision> {
  if (isFor(manifest, 'detect-whole')) {
    if (choice === 'auto' || choice === 'float32') return 'float32'
    throw unexpected('precision', 'auto or float32 for a detector that is one graph', choice)
  }
  if (choice === 'int8' && !isCalibrated(manifest)) {
    const expected = 'float32, float16 or auto, as the model was not calibrated for int8 (vertebra quantize does that),'
    throw unexpected('precision', expected, choice)
  }
  if (choice === 'float16' && WITHOUT_HALF.has(device)) {
    const message = `Expected a device that computes in float16, such as webgpu or cuda, but "${device}" does not.`
    throw new VertebraError('DEVICE_UNAVAILABLE', message, { value: device })
  }
  if (choice !== 'auto') return choice
  const wanted = isCalibrated(manifest) && WITH_BYTES.has(device) ? 'int8' : 'float16'
  if (wanted === 'float16' && WITHOUT_HALF.has(device)) return 'float32'
  const gain = await measuredGain(runtime, device, wanted)
  throwIfAborted(signal)
  return gain >= LEAST_GAIN ? wanted : 'float32'
}

/** A stored graph as it computes in a precision on a device: the files are the same for all. */
export function inPrecision(
  model: Model,
  precision: Precision,
  { keepsInt8Weights, prefersWinograd }: Pick<DeviceTraits, 'keepsInt8Weights' | 'prefersWinograd'>,
): Model {
  const layers = precision === 'int8' ? model : restoreFloats(model)
  const weights = keepsInt8Weights ? layers : dequantizeWeights(layers)
  if (precision === 'float16') return computeInHalf(weights)
  return precision === 'float32' && prefersWinograd ? winogradConvolutions(weights) : weights
}

/** What was measured in this process; a device does not change, and the measurement takes a tenth of a second. */
const gains = new WeakMap<Runtime, Map<string, Promise<number>>>()

function measuredGain(runtime: Runtime, device: Device, precision: Precision): Promise<number> {
  const known = gains.get(runtime) ?? new Map<string, Promise<number>>()
  gains.set(runtime, known)
  const key = `${device} ${precision}`
  const gain = known.get(key) ?? measureGain(runtime, device, precision)
  known.set(key, gain)
  return gain
}

/** How many times as fast a small network is as in float32; 0 where the device refuses it, or computes something else. */
async function measureGain(runtime: Runtime, device: Device, precision: Precision): Promise<number> {
  const sessions: Session[] = []
  try {
    const traits = runtime.traits(device)
    for (const form of ['float32', precision] as const) {
      const model = inPrecision(probeNetwork(form === 'int8'), form, traits)
      sessions.push(await runtime.open(encodeModel(model), device))
    }
    const data = Float32Array.from({ length: WIDE * SIDE * SIDE }, (_, i) => (i % 7) / 7)
    const feed = { x: { dataType: 'float32', dims: [1, WIDE, SIDE, SIDE], data } } as const
    const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    const sums = [0, 0]
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [i, session] of sessions.entries()) {
        const start = performance.now()
        const { y } = await session.run(feed)
        const time = performance.now() - start
        // The first turn prepares what the others use.
        if (turn > 0) least[i] = Math.min(least[i] as number, time)
        sums[i] = y && 'data' in y ? y.data.reduce((sum, value) => sum + value, 0) : Number.NaN
      }
    }
    const [expected, found] = sums as [number, number]
    const isRight = Math.abs(found - expected) <= 0.05 * Math.abs(expected)
    return isRight ? (least[0] as number) / (least[1] as number) : 0
  } catch (error) {
    if (error instanceof VertebraError) return 0
    throw error
  } finally {
    for (const session of sessions) await session.dispose()
  }
}

const WIDE = 256
const NARROW = 64
const SIDE = 24
const TURNS = 6

/** A bottleneck, 1x1, 3x3, 1x1, with ReLU, whose weights are all alike and keep the mean of what goes through. */
function probeNetwork(isInt8: boolean): Model {
  const nodes: Node[] = []
  const initializers = new Map<string, Tensor>([
    ['scale', tensorFrom(Float32Array.of(1 / 128), [])],
    ['zero', tensorFrom(new Uint8Array(1), [])],
  ])
  function step(opType: string, inputs: string[], name: string, attributes?: Record<string, Attribute>): string {
    nodes.push(plainNode(opType, inputs, name, attributes))
    return name
  }
  function bytes(value: string): string {
    if (!isInt8) return value
    const stored = step('QuantizeLinear', [value, 'scale', 'zero'], `${value}.bytes`)
    return step('DequantizeLinear', [stored, 'scale', 'zero'], `${value}.floats`)
  }
  function weights(name: string, dims: readonly [number, number, number, number]): string {
    const [outputs, ...fan] = dims
    const count = fan.reduce((product, dim) => product * dim, 1)
    if (!isInt8) {
      initializers.set(name, tensorFrom(new Float32Array(outputs * count).fill(1 / count), dims))
      return name
    }
    initializers.set(`${name}.bytes`, tensorFrom(new Int8Array(outputs * count).fill(1), dims))
    initializers.set(`${name}.scale`, tensorFrom(new Float32Array(outputs).fill(1 / count)))
    return step('DequantizeLinear', [`${name}.bytes`, `${name}.scale`], name, { axis: int(0) })
  }
  function convolution(x: string, name: string, outputs: number, inputs: number, kernel: number): string {
    const weight = weights(`${name}.weight`, [outputs, inputs, kernel, kernel])
    const pad = (kernel - 1) / 2
    const sum = step('Conv', [x, weight], `${name}.sum`, { pads: ints([pad, pad, pad, pad]) })
    return bytes(step('Relu', [sum], name))
  }
  const a = convolution(bytes('x'), 'a', NARROW, WIDE, 1)
  const b = convolution(a, 'b', NARROW, NARROW, 3)
  step('Identity', [convolution(b, 'c', WIDE, NARROW, 1)], 'y')
  return smallModel([1, WIDE, SIDE, SIDE], nodes, initializers)
}
