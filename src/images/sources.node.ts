import { stat } from 'node:fs/promises'
import { extname, isAbsolute, resolve } from 'node:path'
import { glob } from 'tinyglobby'
import { describe, unexpected, VertebraError } from '../errors.ts'

/** The endings that a picture file may have to be found in a folder or by a glob. */
export const IMAGE_EXTENSIONS: readonly string[] = ['jpg', 'jpeg', 'png', 'webp', 'avif', 'gif', 'tif', 'tiff', 'svg']

/** What a list of files, folders and globs stands for. */
export interface ImageSources {
  /** File paths, URLs, and `-` for standard input. */
  readonly images: readonly string[]
  /** One `IMAGE_NOT_FOUND` for each file that is not there and each folder or glob without a picture. */
  readonly problems: readonly VertebraError[]
}

/**
 * Expands what a person typed into single pictures: folders and the folders inside them, globs (`photos/*.jpg`), single
 * files and URLs, and `-` for standard input. The order of the arguments is kept; within a folder or glob files are sorted
 * with numbers by value (`2.jpg` before `10.jpg`); nothing is listed twice. What is not there is a problem of its own, and the
 * others are listed all the same.
 *
 * @throws VertebraError `INVALID_ARGUMENT` without an argument, or when one is empty.
 * @example
 * const { images } = await expandSources(['photos', 'more/*.png'])
 */
export async function expandSources(sources: readonly string[]): Promise<ImageSources> {
  if (sources.length === 0) throw unexpected('the pictures', 'at least one file, folder, glob or "-"', sources)
  const images = new Map<string, string>()
  const problems: VertebraError[] = []
  for (const source of sources) {
    if (source === '') throw unexpected('a picture', 'a file, folder, glob or "-"', source)
    const found = await expand(source)
    if (found instanceof VertebraError) problems.push(found)
    else {
      for (const image of found) {
        const key = isPath(image) ? resolve(image) : image
        if (!images.has(key)) images.set(key, image)
      }
    }
  }
  return { images: [...images.values()], problems }
}

async function expand(source: string): Promise<string[] | VertebraError> {
  if (!isPath(source)) return [source]
  const entry = await stat(source).catch(() => undefined)
  if (entry?.isDirectory()) {
    const files = await glob('**/*', { cwd: source, onlyFiles: true, expandDirectories: false })
    const prefix = source.replace(/[/\\]+$/, '')
    const images = sortImages(files).map((file) => `${prefix}/${file}`)
    return images.length > 0 ? images : noImages(`the folder ${describe(source)}`)
  }
  if (entry !== undefined) return [source]
  if (!/[*?[\]{}()!]/.test(source)) return unexpected('the picture', 'an existing file', source, 'IMAGE_NOT_FOUND')
  const pattern = process.platform === 'win32' ? source.replaceAll('\\', '/') : source
  const images = sortImages(
    await glob(pattern, { onlyFiles: true, expandDirectories: false, absolute: isAbsolute(pattern) }),
  )
  return images.length > 0 ? images : noImages(`files that match ${describe(source)}`)
}

const collator = new Intl.Collator('en', { numeric: true })

function sortImages(files: readonly string[]): string[] {
  return files
    .filter((file) => IMAGE_EXTENSIONS.includes(extname(file).slice(1).toLowerCase()))
    .sort((a, b) => collator.compare(a, b) || (a < b ? -1 : 1))
}

function isPath(source: string): boolean {
  return source !== '-' && !/^(data|file|https?):/i.test(source)
}

function noImages(where: string): VertebraError {
  return new VertebraError(
    'IMAGE_NOT_FOUND',
    `Expected at least one picture (${IMAGE_EXTENSIONS.join(', ')}) in ${where} but found none.`,
  )
}
