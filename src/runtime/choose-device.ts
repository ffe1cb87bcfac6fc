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
  const reports = await runtime.probe()
  if (choice === 'auto') {
    const chosen = reports.find((report) => report.works)
    if (!chosen) throw new VertebraError('DEVICE_UNAVAILABLE', `No device works here: ${explain(reports)}.`)
    const passedOver = reports.slice(0, reports.indexOf(chosen))
    const why = passedOver.length > 0 ? explain(passedOver) : 'it is the best device this runtime knows'
    return { device: chosen.device, reason: `${chosen.device} was chosen: ${why}.` }
  }
  const report = reports.find(({ device }) => device === choice)
  if (report?.works) return { device: choice, reason: `${choice} was asked for.` }
  const works = reports.filter((each) => each.works).map((each) => each.device)
  throw new VertebraError(
    'DEVICE_UNAVAILABLE',
    `Expected a device that works here (${works.join(', ')}) but received "${choice}": ` +
      `${report?.reason ?? `${runtime.name} has no such device on this system`}.`,
    { value: choice },
  )
}

function explain(reports: readonly DeviceReport[]): string {
  return reports.map(({ device, reason }) => `${device}: ${reason}`).join('; ')
}

/** What an error of a runtime says about a device, in one line without its stack or source position. */
export function shortReason(error: unknown): string {
  const line = messageOf(error).split('\n')[0] ?? ''
  return line.length > 160 ? `${line.slice(0, 157)}...` : line
}
