import { unexpected } from '../errors.ts'
import { type CocoResult, idOfName } from './coco.ts'
import type { CocoInstances } from './coco-read.ts'
import { stemOf } from './names.ts'

/**
 * Reads results files of the VOC development kit, `comp4_det_test_<class>.txt` (also `comp3` and other set names) with
 * lines `<image> <score> <xmin> <ymin> <xmax> <ymax>`; `writeVocResults` writes them. Corners count from 1 and are
 * inclusive.
 *
 * @param files text by file name.
 * @param dataset gives the ids of images (by file name without extension, else by id, which for a VOC folder is the name
 * of the XML) and of classes.
 * @throws VertebraError `DATA_INVALID` that names file and line, for another file name, an unknown class or image, or a
 * line that is not as above.
 */
export function readVocResults(
  files: ReadonlyMap<string, string>,
  { images, categories }: Pick<CocoInstances, 'images' | 'categories'>,
): CocoResult[] {
  const imageIds = new Map<string, number | string>(images.map(({ id }) => [String(id), id]))
  const stems = images.map(({ file_name }) => stemOf(file_name))
  const uses = new Map<string, number>()
  for (const stem of stems) uses.set(stem, (uses.get(stem) ?? 0) + 1)
  images.forEach(({ id }, i) => {
    const stem = stems[i] ?? ''
    // A name that several images share, as copied XML files do, tells none of them.
    if (uses.get(stem) === 1) imageIds.set(stem, id)
  })
  const categoryIds = new Map(categories.map(({ id, name }) => [name, id]))
  const results: CocoResult[] = []
  for (const [path, text] of files) {
    const label = decoded(/^comp\d+_det_[^_]+_(.+)$/.exec(stemOf(path))?.[1])
    const category_id = label === undefined ? undefined : categoryIds.get(label)
    if (category_id === undefined) {
      throw wrong('results file', `a name like comp4_det_test_<class>.txt with a class of the dataset`, path)
    }
    text.split(/\r?\n/).forEach((line, i) => {
      if (line.trim() === '') return
      const at = `line ${i + 1} of ${path}`
      const [name = '', ...rest] = line.trim().split(/\s+/)
      const given = decoded(name) ?? name
      const image_id = imageIds.get(given) ?? imageIds.get(String(idOfName(given)))
      if (image_id === undefined) throw wrong(`image of ${at}`, 'an image of the dataset', name)
      const [score = Number.NaN, xmin = 0, ymin = 0, xmax = 0, ymax = 0] = rest.map(Number)
      if (rest.length !== 5 || ![score, xmin, ymin, xmax, ymax].every(Number.isFinite)) {
        throw wrong(at, '<image> <score> <xmin> <ymin> <xmax> <ymax>', line)
      }
      // A box of less than nothing covers nothing.
      const [width, height] = [Math.max(xmax - xmin + 1, 0), Math.max(ymax - ymin + 1, 0)]
      results.push({ image_id, category_id, bbox: [xmin - 1, ymin - 1, width, height], score })
    })
  }
  return results
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return text
  }
}

function wrong(name: string, what: string, value: unknown): Error {
  return unexpected(name, what, value, 'DATA_INVALID')
}
