import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { DEVICES, type Device, type DeviceChoice, type DeviceReport, type Runtime } from './runtime.ts'

/** The device that was taken, and what became of the others. */
export interface ChosenDevice {
  readonly device: Device
  /** Why this one, and why not the better ones: one sentence. */
  readonly reason: string
}

/** @throws VertebraError `INVALID_ARGUMENT` for anything but a device name or `auto`. */
export function checkDeviceChoice(choice: unknown): DeviceChoice {
  if (choice === 'auto' || DEVICES.some((device) => device === choice)) return choice as DeviceChoice
  throw unexpected('device', `one of auto, ${DEVICES.join(', ')}`, choice)
}

/**
 * Finds the device to run on. A named device must work; `auto` takes the first of the runtime's devices that does.
 * @throws VertebraError `DEVICE_UNAVAILABLE` with the runtime's own words.
 */
export async function chooseDevice(runtime: Runtime, choice: DeviceChoice): Promise<ChosenDevice> {
  if (choice !== 'auto') return namedDevice(runtime, choice)
  const passedOver: string[] = []
  for (const device of runtime.devices) {
    const { works, reason, note } = await reportForAuto(runtime, device)
    if (works) {
      const why = [...passedOver, ...(note === undefined ? [] : [note])]
      const text = why.length > 0 ? why.join('; ') : 'it is the best device this runtime knows'
      return { device, reason: `${device} was chosen: ${text}.` }
    }
    passedOver.push(`${device}: ${reason}`)
  }
  throw new VertebraError('DEVICE_UNAVAILABLE', `No device works here: ${passedOver.join('; ')}.`)
}

/** What `auto` finds out about a device: it does not try an unwise one. */
export async function reportForAuto(runtime: Runtime, device: Device): Promise<DeviceReport> {
  const reason = await runtime.unwise(device)
  return reason === undefined ? runtime.probe(device) : { device, works: false, reason }
}

async function namedDevice(runtime: Runtime, choice: Device): Promise<ChosenDevice> {
  const isKnown = runtime.devices.includes(choice)
  const report = isKnown ? await runtime.probe(choice) : undefined
  if (report?.works) {
    return { device: choice, reason: `${[`${choice} was asked for`, report.note].filter(Boolean).join('; ')}.` }
  }
  throw new VertebraError(
    'DEVICE_UNAVAILABLE',
    `Expected a device that works here but received "${choice}": ` +
      `${report?.reason ?? `${runtime.name} has ${runtime.devices.join(', ')} on this system`}.`,
    { value: choice },
  )
}

/** What an error of a runtime says, in one line, without the place in its source that ONNX Runtime puts in front. */
export function shortReason(error: unknown): string {
  const line = (messageOf(error).split('\n')[0] ?? '').replace(/^\/\S+:\d+ .* was false\. /, '').replace(/\.$/, '')
  return line.length > 160 ? `${line.slice(0, 157)}...` : line
}
