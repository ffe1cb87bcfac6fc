import { prepareInput } from '../detector/prepare-input.ts'
import { messageOf, VertebraError } from '../errors.ts'
import type { RgbImage } from '../images/image.ts'
import type { Manifest } from '../models/manifest.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import type { Feed } from '../runtime/runtime.ts'

/** A photo to calibrate with. */
export interface CalibrationPhoto {
  /** For messages and progress. */
  readonly name: string
  decode(): Promise<RgbImage>
}

/** Photos that can be used, and what is to be said about the others. */
export interface UsablePhotos {
  readonly photos: readonly CalibrationPhoto[]
  readonly warnings: readonly string[]
}

/**
 * Leaves out photos that cannot be read, and blank ones, which would say nothing about ranges.
 * @throws VertebraError `DATA_INVALID` when none is left; `ABORTED`.
 */
export async function usablePhotos(all: readonly CalibrationPhoto[], options: WorkOptions): Promise<UsablePhotos> {
  const photos: CalibrationPhoto[] = []
  const warnings: string[] = []
  for (const [i, photo] of all.entries()) {
    throwIfAborted(options.signal)
    try {
      if (isBlank(await photo.decode())) warnings.push(`${photo.name} is blank and was left out.`)
      else photos.push(photo)
    } catch (error) {
      warnings.push(`${photo.name} was left out: ${messageOf(error)}`)
    }
    options.onProgress?.({ phase: 'photos', done: i + 1, total: all.length, item: photo.name })
  }
  if (photos.length === 0) {
    const why = warnings.length === 0 ? 'there are none' : `none can be used: ${warnings.slice(0, 3).join(' ')}`
    throw new VertebraError('DATA_INVALID', `Expected photos to calibrate with but ${why}`.replace(/\.?$/, '.'))
  }
  if (photos.length === 1) warnings.push('The ranges come from one photo only: give a few dozen of different kinds.')
  return { photos, warnings }
}

/** Calls `work` with each photo, one after another. */
export async function eachPhoto(
  photos: readonly CalibrationPhoto[],
  phase: string,
  { signal, onProgress }: WorkOptions,
  work: (photo: RgbImage, name: string, index: number) => Promise<void>,
): Promise<void> {
  for (const [i, photo] of photos.entries()) {
    throwIfAborted(signal)
    await work(await photo.decode(), photo.name, i)
    onProgress?.({ phase, done: i + 1, total: photos.length, item: photo.name })
  }
}

/** What the backbone is fed for one photo. */
export function photoFeed({ input }: Manifest, photo: RgbImage): Readonly<Record<'image', Feed>> {
  const { data, dims } = prepareInput(input, [photo])
  return { image: { dataType: 'float32', dims, data } }
}

function isBlank({ data }: RgbImage): boolean {
  for (let i = 3; i < data.length; i++) if (data[i] !== data[i - 3]) return false
  return true
}
