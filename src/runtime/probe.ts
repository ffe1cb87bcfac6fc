import { encodeModel } from '../onnx/codec.ts'
import { plainNode } from '../onnx/plain-node.ts'
import { shortReason } from './choose-device.ts'
import type { Device, DeviceReport, Runtime } from './runtime.ts'
import { smallModel } from './small-model.ts'

/** Tries a device with a graph of one operator, y = relu(x): enough to see whether it answers at all. */
export async function probeDevice(device: Device, open: Runtime['open']): Promise<DeviceReport> {
  try {
    const session = await open(probeModel(), device)
    try {
      await session.run({ x: { dataType: 'float32', dims: [1, 1, 2, 2], data: new Float32Array(4) } })
    } finally {
      await session.dispose()
    }
    return { device, works: true, reason: 'a small graph ran on it' }
  } catch (error) {
    return { device, works: false, reason: shortReason(error instanceof Error && error.cause ? error.cause : error) }
  }
}

/** The graph y = relu(x), x of one channel. */
export function probeModel(): Uint8Array {
  return encodeModel(smallModel([1, 1, 2, 2], [plainNode('Relu', ['x'], 'y')]))
}
