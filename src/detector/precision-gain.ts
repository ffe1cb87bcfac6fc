import { VertebraError } from '../errors.ts'
import { int, ints } from '../onnx/attributes.ts'
import { encodeModel } from '../onnx/codec.ts'
import type { Attribute, Model, Node, Tensor } from '../onnx/model.ts'
import { plainNode } from '../onnx/plain-node.ts'
import { tensorFrom } from '../onnx/tensors.ts'
import type { Device, Runtime, Session } from '../runtime/runtime.ts'
import { smallModel } from '../runtime/small-model.ts'
import { inPrecision, type Precision } from './in-precision.ts'

/** What was measured in this process; a device does not change, and a measurement takes tenths of a second. */
const gains = new WeakMap<Runtime, Map<string, Promise<number>>>()

/** How many times as fast a small network is in a precision as in float32, on a device. */
export function measuredGain(runtime: Runtime, device: Device, precision: Precision): Promise<number> {
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

// The widths of ResNet-101's block 3. Of a narrower network's time so much goes into calls and bytes that int8 gains nothing.
const WIDE = 1024
const NARROW = 256
const SIDE = 16
const TURNS = 8

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
