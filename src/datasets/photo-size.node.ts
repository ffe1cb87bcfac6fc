import { stat } from 'node:fs/promises'
import type { Size } from '../boxes/boxes.ts'
import { describe, messageOf, VertebraError } from '../errors.ts'
import type { DatasetProblem } from '../formats/index.ts'
import { loadSharp } from '../images/sharp.node.ts'

/**
 * A function that gives the size of a photo by its `file_name`, or undefined when it is not there or is no picture; why
 * not goes into `unreadable`.
 */
export function sizesOf(
  photoPath: (fileName: string) => string,
  unreadable: Map<string, string>,
): (fileName: string) => Promise<Size | undefined> {
  return async (fileName) => {
    try {
      return await photoSize(photoPath(fileName))
    } catch (error) {
      if (!(error instanceof VertebraError && error.code === 'IMAGE_UNREADABLE')) throw error
      unreadable.set(fileName, error.message)
      return undefined
    }
  }
}

/** Says of photos that were reported as missing what is wrong with those that are there: reasons by `file_name`. */
export function withReasons(
  problems: readonly DatasetProblem[],
  reasons: ReadonlyMap<string, string>,
): readonly DatasetProblem[] {
  return problems.map((problem) => {
    const reason = problem.kind === 'image-missing' ? reasons.get(problem.file) : undefined
    if (reason === undefined) return problem
    return { ...problem, kind: 'unreadable', message: `${problem.file}, ${problem.entry}: ${reason}` }
  })
}

/**
 * The size of a picture file as `decodeImage` would give it, upright, from its header alone.
 *
 * @returns undefined when there is no such file.
 * @throws VertebraError `IMAGE_UNREADABLE` when it is no picture, `DEPENDENCY_MISSING` without sharp.
 */
export async function photoSize(path: string): Promise<Size | undefined> {
  const file = await stat(path).catch(() => undefined)
  if (!file?.isFile()) return undefined
  const sharp = await loadSharp()
  try {
    const metadata = await sharp(path, { limitInputPixels: false }).metadata()
    const [width, height] = [metadata.width, metadata.pageHeight ?? metadata.height]
    // EXIF orientations from 5 on lie on their side.
    return (metadata.orientation ?? 1) < 5 ? { width, height } : { width: height, height: width }
  } catch (cause) {
    throw new VertebraError(
      'IMAGE_UNREADABLE',
      `Expected a picture in ${describe(path)} but its size cannot be read: ${messageOf(cause)}.`,
      { cause },
    )
  }
}
