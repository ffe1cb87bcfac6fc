import type { Detection } from '../heads/detection.ts'
import type { ChosenDevice } from '../runtime/choose-device.ts'
import type { Sessions } from './sessions.ts'
import type { StageTimes } from './stopwatch.ts'

/** The objects of one photo, and how they were found. */
export interface DetectionResult {
  /** Size of the photo in pixels, upright. */
  readonly width: number
  readonly height: number
  /** Highest score first. */
  readonly detections: readonly Detection[]
  /** What ran, and why it was chosen. */
  readonly device: ChosenDevice
  /** What the network computed in. */
  readonly precision: Sessions['precision']
  /** Milliseconds per stage; of a batch, those of the whole batch. */
  readonly times: StageTimes
}
