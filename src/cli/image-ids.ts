import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { VertebraError } from '../errors.ts'
import { type CocoImage, readCocoInstances } from '../formats/index.ts'
import { baseName } from '../formats/names.ts'

/**
 * The ids that COCO annotations give to files: of the images with a file's name the one whose path has most of its end in
 * common with the file's.
 *
 * @param path of the annotations.
 * @throws VertebraError `DATA_INVALID` for a file that is not among the images or may be several of them, and for two
 * files that are the same image.
 */
export async function imageIds(path: string, files: readonly string[]): Promise<ReadonlyMap<string, number | string>> {
  const named = new Map<string, CocoImage[]>()
  for (const image of readCocoInstances(await readFile(path, 'utf8'), path).images) {
    const name = baseName(image.file_name)
    named.set(name, [...(named.get(name) ?? []), image])
  }
  const ids = new Map<string, number | string>()
  const fileOfId = new Map<number | string, string>()
  for (const file of files) {
    const [image, ...others] = nearest(resolve(file), named.get(baseName(file)) ?? [])
    if (image === undefined) throw wrong(`${file} among the images of ${path}`, 'it is not there')
    if (others.length > 0) {
      const several = [image, ...others].map(({ file_name }) => file_name).join(', ')
      throw wrong(`one image of ${path} for ${file}`, `it may be any of ${several}`)
    }
    const other = fileOfId.get(image.id)
    if (other !== undefined) throw wrong(`an image of ${path} for each file`, `${other} and ${file} are the same one`)
    ids.set(file, image.id)
    fileOfId.set(image.id, file)
  }
  return ids
}

/** The images whose path ends most like the file's; several that do so alike. */
function nearest(file: string, images: readonly CocoImage[]): readonly CocoImage[] {
  const shared = images.map(({ file_name }) => sharedEnd(file, file_name))
  const most = Math.max(...shared)
  return images.filter((_, i) => shared[i] === most)
}

/** How many parts of two paths are the same, from the end. */
function sharedEnd(a: string, b: string): number {
  const [left, right] = [partsFromEnd(a), partsFromEnd(b)]
  const end = left.findIndex((part, i) => part !== right[i])
  return end < 0 ? left.length : end
}

const partsFromEnd = (path: string): string[] => path.split(/[\\/]+/).reverse()

function wrong(what: string, but: string): VertebraError {
  return new VertebraError('DATA_INVALID', `Expected ${what} but ${but}.`)
}
