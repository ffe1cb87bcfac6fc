import type { CocoResult } from '../formats/index.ts'
import { COCO_MAX_DETECTIONS } from './coco-parameters.ts'

/** The lowest score of a detector that cuts at the usual 0.05 is a little above it. */
const HIGH_CUT = 0.06
const MOST = Math.max(...COCO_MAX_DETECTIONS)

/**
 * A warning when results look cut at a high score: average precision counts what a detector finds at any score, so it
 * comes out too low when low scores were thrown away. Given when no score is at or below 0.06 although more than half
 * of the images with results have fewer than 100.
 *
 * @returns one sentence, or undefined when all is well.
 */
export function scoreCutWarning(results: readonly CocoResult[]): string | undefined {
  let lowest = Number.POSITIVE_INFINITY
  const perImage = new Map<number | string, number>()
  for (const { image_id, score } of results) {
    if (score < lowest) lowest = score
    perImage.set(image_id, (perImage.get(image_id) ?? 0) + 1)
  }
  if (results.length === 0 || lowest <= HIGH_CUT) return undefined
  let short = 0
  for (const count of perImage.values()) if (count < MOST) short++
  if (short * 2 <= perImage.size) return undefined
  return (
    `The lowest score is ${Number(lowest.toPrecision(3))} and ${short} of ${perImage.size} images have fewer than ` +
    `${MOST} results: they look cut at a high score, which makes AP too low. Detect with a minimum score of 0.05 or less.`
  )
}
