import { type CocoAnnotation, type CocoInstances, type CocoResult, readCocoInstances } from '../../src/formats/index.ts'
import { noise } from '../boxes/noise.ts'

const SIDES = [0, 7, 20, 60, 200, 5000] as const

/** The data set that test/reference/evaluation.py makes of a seed. */
export function generate(seed: number): { instances: CocoInstances; results: CocoResult[] } {
  const draws = noise(1000 + seed, 20_000)
  let used = 0
  const upto = (n: number): number => Math.floor((draws[used++] as number) * n)
  const side = (): number => (SIDES[upto(6)] as number) * (0.5 + upto(8) / 8)
  const pick = <T>(list: readonly T[]): T => list[upto(list.length)] as T

  const images = Array.from({ length: 1 + upto(6) }, (_, i) => ({
    id: 100 - 7 * i,
    file_name: `${i}.jpg`,
    width: 640,
    height: 480,
  }))
  const categories = Array.from({ length: 1 + upto(5) }, (_, i) => ({ id: 2 + 3 * i, name: `class ${i}` }))
  const annotations: CocoAnnotation[] = Array.from({ length: upto(50) }, (_, i) => {
    const bbox = [upto(80) * 2, upto(60) * 2, side(), side()] as const
    return {
      id: i + 1,
      image_id: pick(images).id,
      category_id: pick(categories).id,
      bbox,
      area: bbox[2] * bbox[3] * (upto(4) === 0 ? 0.7 : 1),
      iscrowd: upto(7) === 0 ? 1 : 0,
      difficult: upto(6) === 0 ? 1 : 0,
    }
  })
  const results: CocoResult[] = []
  for (let left = upto(400); left > 0; left--) {
    const near = annotations.length > 0 && upto(4) > 0 ? pick(annotations) : undefined
    const [x, y, width, height] = near
      ? near.bbox.map((value) => value + upto(9) - 4)
      : [upto(80) * 2, upto(60) * 2, side(), side()]
    const elsewhere = upto(5) === 0
    results.push({
      image_id: near && !elsewhere ? near.image_id : pick(images).id,
      category_id: near ? near.category_id : pick(categories).id,
      bbox: [x ?? 0, y ?? 0, Math.max(width ?? 0, 0), Math.max(height ?? 0, 0)],
      score: upto(20) / 20,
    })
  }
  return { instances: readCocoInstances({ images, categories, annotations }), results }
}
