import type { Detector } from '../detector/detector.ts'
import { STAGES, type Stage, type StageTimes } from '../detector/stopwatch.ts'
import type { WorkOptions } from '../progress.ts'

export interface MeasuredTimes {
  /** Median milliseconds of each stage. */
  readonly times: StageTimes
  /** Median milliseconds of a whole photo. */
  readonly milliseconds: number
}

/**
 * How long detection takes, on the same photos for all detectors. They take turns photo by photo, so that whatever else
 * the machine does meets all of them; each detects the first photo once beforehand, uncounted.
 *
 * @returns one per detector.
 * @throws VertebraError what `detect` throws.
 *
 * @example
 * const [a, b] = await measureTimes([detectorA, detectorB], ['cat.jpg', 'street.jpg'])
 */
export async function measureTimes<Input>(
  detectors: readonly Detector<Input>[],
  photos: readonly Input[],
  { signal, onProgress }: WorkOptions = {},
): Promise<MeasuredTimes[]> {
  const measured: StageTimes[][] = detectors.map(() => [])
  const [warmUp] = photos
  if (warmUp !== undefined) for (const detector of detectors) await detector.detect(warmUp, { signal })
  for (const [i, photo] of photos.entries()) {
    for (const [m, detector] of detectors.entries()) {
      measured[m]?.push((await detector.detect(photo, { signal })).times)
    }
    onProgress?.({ phase: 'measure', done: i + 1, total: photos.length })
  }
  return measured.map((photoTimes) => {
    const stage = (name: Stage): number => median(photoTimes.map((times) => times[name]))
    return {
      times: {
        decode: stage('decode'),
        prepare: stage('prepare'),
        network: stage('network'),
        proposals: stage('proposals'),
        pooling: stage('pooling'),
        head: stage('head'),
        postprocess: stage('postprocess'),
      },
      milliseconds: median(photoTimes.map((times) => STAGES.reduce((sum, name) => sum + times[name], 0))),
    }
  })
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}
