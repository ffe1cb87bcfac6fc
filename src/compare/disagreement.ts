import { fromXYWH } from '../boxes/boxes.ts'
import { iou } from '../boxes/iou.ts'
import type { Detection } from '../heads/detection.ts'

const SAME_PLACE = 0.5

/** One thing on a photo: what each model found of it. */
export type AlignedDetections = readonly (Detection | undefined)[]

/**
 * Which detections of several models are the same thing: those of one class whose boxes have an IoU of at least 0.5 with
 * the first model's that found it; each detection, from the highest score on, joins the thing it overlaps most.
 *
 * @param models per model, its detections of one photo, highest score first.
 * @returns one row per thing, with one place per model.
 */
export function alignDetections(models: readonly (readonly Detection[])[]): AlignedDetections[] {
  const things: { readonly first: Detection; readonly row: (Detection | undefined)[] }[] = []
  models.forEach((detections, m) => {
    const known = things.length
    for (const detection of detections) {
      let best = SAME_PLACE
      let partner: (typeof things)[number] | undefined
      for (const thing of things.slice(0, known)) {
        if (thing.row[m] !== undefined || thing.first.label !== detection.label) continue
        const overlap = iou(fromXYWH([thing.first.box]), 0, fromXYWH([detection.box]), 0)
        if (overlap < best) continue
        best = overlap
        partner = thing
      }
      if (partner) partner.row[m] = detection
      else things.push({ first: detection, row: models.map((_, i) => (i === m ? detection : undefined)) })
    }
  })
  return things.map(({ row }) => row)
}

/**
 * How much two models disagree on a photo: the sum, over everything that either found, of the difference in score, where
 * what only one of them found has a score of 0 for the other. No threshold decides, so a confident find that the other
 * lacks weighs most and hesitant ones little.
 *
 * @example
 * disagreement(a.detections, a.detections) // 0
 */
export function disagreement(a: readonly Detection[], b: readonly Detection[]): number {
  return alignDetections([a, b]).reduce(
    (sum, [one, other]) => sum + Math.abs((one?.score ?? 0) - (other?.score ?? 0)),
    0,
  )
}

/**
 * The photos on which the models disagree most with the first one, most first; photos of equal results are left out.
 *
 * @param models per model, the detections of each photo, highest score first.
 * @param count at most this many.
 * @returns places of the photos.
 */
export function mostDifferent(models: readonly (readonly (readonly Detection[])[])[], count: number): number[] {
  const [first = [], ...others] = models
  return first
    .map((detections, photo) => ({
      photo,
      sum: others.reduce((sum, other) => sum + disagreement(detections, other[photo] ?? []), 0),
    }))
    .filter(({ sum }) => sum > 0)
    .sort((a, b) => b.sum - a.sum || a.photo - b.photo)
    .slice(0, count)
    .map(({ photo }) => photo)
}
