import { existsSync, readFileSync } from 'node:fs'
import type { CocoStats } from '../../src/evaluate/index.ts'
import { type CocoInstances, type CocoResult, readCocoInstances } from '../../src/formats/index.ts'

/** Published samples; tests of them are skipped where they are not at hand. */
export const SAMPLES: URL = new URL('../../../shared/fixtures/', import.meta.url)
export const HAS_SAMPLES: boolean = existsSync(SAMPLES)

export function readSample(path: string): string {
  return readFileSync(new URL(path, SAMPLES), 'utf8')
}

/** What test/reference/evaluation.py makes. */
export interface Reference {
  readonly names: readonly (keyof CocoStats)[]
  readonly cases: readonly { seed: number; coco: readonly number[]; voc: readonly [every: number, eleven: number] }[]
}

export const DOG = 1
export const CAT = 5

/** One picture with the given objects: class, box, and the flags that are set. */
export function picture(
  ...objects: readonly (readonly [category: number, box: readonly number[], flags?: object])[]
): CocoInstances {
  return readCocoInstances({
    images: [{ id: 1, file_name: 'a.jpg', width: 100, height: 100 }],
    categories: [
      { id: DOG, name: 'dog' },
      { id: CAT, name: 'cat' },
    ],
    annotations: objects.map(([category_id, bbox, flags], id) => ({ id, image_id: 1, category_id, bbox, ...flags })),
  })
}

/** A result in that picture. */
export function found(category_id: number, [x = 0, y = 0, w = 0, h = 0]: readonly number[], score = 0.9): CocoResult {
  return { image_id: 1, category_id, bbox: [x, y, w, h], score }
}
