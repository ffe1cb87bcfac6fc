import { unexpected } from '../errors.ts'
import { DEVICES, type DeviceChoice } from '../runtime/runtime.ts'

/** What the element's attributes ask for. */
export interface ViewSettings {
  readonly model: string
  /** Address of a picture or video, or undefined for a camera. */
  readonly src: string | undefined
  /** `user`, `environment`, a `deviceId` or empty for any. */
  readonly camera: string | undefined
  readonly minScore: number
  readonly classes: readonly string[] | undefined
  readonly maxFps: number | undefined
  readonly device: DeviceChoice
  /** Name of a feature level to show, for example `c4`. */
  readonly heatMap: string | undefined
  /** Address of onnxruntime-web's folder. */
  readonly runtimeUrl: string | undefined
  /** Whether a camera or video starts without being asked to. */
  readonly autostart: boolean
}

export const ATTRIBUTES: readonly string[] = [
  'model',
  'src',
  'camera',
  'min-score',
  'classes',
  'max-fps',
  'device',
  'heat-map',
  'runtime-url',
  'autostart',
]

/**
 * @param attribute gives an attribute's text, or null where there is none.
 * @throws VertebraError `INVALID_ARGUMENT` that names the attribute.
 */
export function readSettings(attribute: (name: string) => string | null): ViewSettings {
  const text = (name: string): string | undefined => attribute(name)?.trim() || undefined
  const model = text('model')
  if (model === undefined)
    throw unexpected('the attribute model', 'a name, or the URL of a model folder', attribute('model'))
  const src = text('src')
  const camera = attribute('camera')?.trim()
  if ((src === undefined) === (camera === undefined)) {
    throw unexpected('the attributes src and camera', 'one of the two', src === undefined ? 'none' : 'both')
  }
  const classes = text('classes')
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return {
    model,
    src,
    camera,
    classes: classes?.length ? classes : undefined,
    minScore: number('min-score', text('min-score'), 0, 1) ?? 0.5,
    maxFps: number('max-fps', text('max-fps'), 0.01, 240),
    device: readDevice(text('device') ?? 'auto'),
    heatMap: text('heat-map'),
    runtimeUrl: text('runtime-url'),
    autostart: attribute('autostart') !== null,
  }
}

function number(name: string, text: string | undefined, lowest: number, highest: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (value >= lowest && value <= highest) return value
  throw unexpected(`the attribute ${name}`, `a number from ${lowest} to ${highest}`, text)
}

function readDevice(text: string): DeviceChoice {
  const choices: readonly DeviceChoice[] = ['auto', ...DEVICES]
  const device = choices.find((choice) => choice === text)
  if (device === undefined) throw unexpected('the attribute device', `one of ${choices.join(', ')}`, text)
  return device
}
