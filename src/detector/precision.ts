import { unexpected, VertebraError } from '../errors.ts'
import type { ModelManifest } from '../models/manifest.ts'
import { isFor } from '../models/task.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import type { Device, Runtime } from '../runtime/runtime.ts'
import { PRECISIONS, type Precision } from './in-precision.ts'
import { measuredGain } from './precision-gain.ts'

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
