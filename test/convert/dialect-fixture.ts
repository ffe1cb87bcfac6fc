import { readFileSync } from 'node:fs'
import type { Recipe } from '../../src/convert/recipe.ts'
import type { RgbImage } from '../../src/images/index.ts'

const FOLDER = new URL('../fixtures/dialects/', import.meta.url)

/** What test/reference/dialects.py stored of one detector. */
export interface Expected {
  /** N, channels, height and width of the network's input. */
  readonly input: readonly number[]
  /** Of each level: the shape, the largest absolute value, and values at flat index i * size // values.length. */
  readonly features: Readonly<Record<string, { shape: number[]; largest: number; values: number[] }>>
  /** The best proposals, in pixels of the network's input. */
  readonly proposals: readonly (readonly number[])[]
  /** Detections in pixels of the photo. */
  readonly boxes: readonly (readonly number[])[]
  readonly scores: readonly number[]
  readonly classes: readonly number[]
}

export function dialectFile(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FOLDER)))
}

export function readExpected(name: string, folder: URL = FOLDER): Expected {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Expected
}

export function readPhoto(folder: URL = FOLDER): RgbImage {
  const { width, height } = JSON.parse(readFileSync(new URL('photo.json', folder), 'utf8'))
  return { width, height, data: new Uint8Array(readFileSync(new URL('photo.bin', folder))) }
}

/** The recipe with an input of other sides; default: the small one of the stored outputs. */
export function withSmallInput(recipe: Recipe, size = 160, max = 240): Recipe {
  const { resize } = recipe.manifest.input
  if (resize.rule !== 'shorter') throw new Error(`no rule of the shorter side: ${resize.rule}`)
  const input = { ...recipe.manifest.input, resize: { ...resize, size, max } }
  return { ...recipe, manifest: { ...recipe.manifest, input } }
}
