import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { withoutUncarried } from '../markup.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import { idOfName } from './coco.ts'
import {
  type Dataset,
  type DatasetAnnotation,
  type DatasetFiles,
  type DatasetProblem,
  type DatasetReading,
  problem,
  type TextFolder,
} from './dataset.ts'
import { DatasetBuilder } from './dataset-builder.ts'
import { baseName, distinctNames, requireNameInFolder, stemOf } from './names.ts'
import { readVocAnnotation, type VocAnnotation, writeVocAnnotation } from './voc-annotation.ts'
import { VOC_LABELS } from './voc-labels.ts'

export interface VocDatasetOptions extends WorkOptions {
  /** Only the images of `ImageSets/Main/<split>.txt`. Default: every annotation. */
  readonly split?: string | undefined
  /**
   * The class names in the order of their ids, from 1. Default: VOC's 20 when the files have no other name, else all
   * names sorted.
   */
  readonly labels?: readonly string[] | undefined
}

/**
 * Reads a VOC folder: `Annotations/*.xml` and `ImageSets/Main/*.txt`. An image's id is the number that its annotation's
 * name is, or else the name; `file_name` is the name in the XML (the picture is `JPEGImages/<file_name>`). What is wrong
 * is repaired or dropped by the rules of `DatasetProblemKind`.
 *
 * @throws VertebraError `DATA_INVALID` when there are no annotations, or not the split; `ABORTED`.
 */
export async function readVocDataset(folder: TextFolder, options: VocDatasetOptions = {}): Promise<DatasetReading> {
  const { split, labels, signal, onProgress } = options
  const splits = await readSplits(folder, labels ?? VOC_LABELS)
  const wanted = split === undefined ? undefined : splits.get(split)
  if (split !== undefined && !wanted) {
    throw unexpected('split', `one of ${[...splits.keys()].join(', ') || '(there are none)'}`, split, 'DATA_INVALID')
  }
  const builder = new DatasetBuilder()
  const there = (await folder.list('Annotations')).filter((path) => path.endsWith('.xml')).sort()
  const stems = new Set(there.map(stemOf))
  for (const name of wanted ?? []) {
    if (stems.has(name)) continue
    builder.report(
      'missing-annotations',
      'dropped',
      `Annotations/${name}.xml`,
      `image "${name}"`,
      'there is no such file',
    )
  }
  const paths = there.filter((path) => !wanted || wanted.has(stemOf(path)))
  if (there.length === 0) throw new VertebraError('DATA_INVALID', 'Expected XML files in Annotations but found none.')
  const read: { path: string; annotation: VocAnnotation }[] = []
  for (const path of paths) {
    throwIfAborted(signal)
    try {
      read.push({ path, annotation: readVocAnnotation((await folder.read(path)) ?? '', path) })
    } catch (error) {
      builder.report('unreadable', 'dropped', path, `image "${stemOf(path)}"`, messageOf(error).replace(/\.$/, ''))
    }
    onProgress?.({ phase: 'read', done: read.length, total: paths.length, item: path })
  }
  const names = labels ?? labelsOf(read.map(({ annotation }) => annotation))
  names.forEach((name, k) => {
    builder.addCategory({ id: k + 1, name }, 'labels', k)
  })
  const idOf = distinctNames(paths.map(stemOf), idOfName)
  const categoryId = new Map(names.map((name, k) => [name, k + 1]))
  let count = 0
  read.forEach(({ path, annotation: { filename, width, height, objects, other } }, i) => {
    const stem = stemOf(path)
    const own = [...splits].filter(([, ids]) => ids.has(stem)).map(([name]) => name)
    const image = { id: idOf(stem), file_name: filename, width, height, ...(own.length > 0 ? { splits: own } : {}) }
    builder.addImage({ ...other, ...image }, path, i, stem)
    for (const { label, other: more, ...object } of objects) {
      const category_id = categoryId.get(label) ?? label
      builder.addAnnotation({ ...more, ...object, id: ++count, image_id: image.id, category_id }, path, count)
    }
  })
  return builder.finish('Annotations')
}

/** Image names per list of `ImageSets/Main`; the lists of one class (`dog_train.txt`) follow from the annotations. */
async function readSplits(folder: TextFolder, labels: readonly string[]): Promise<Map<string, ReadonlySet<string>>> {
  const splits = new Map<string, ReadonlySet<string>>()
  for (const path of await folder.list('ImageSets/Main')) {
    if (!path.endsWith('.txt')) continue
    const name = stemOf(path)
    const lines = ((await folder.read(path)) ?? '').split(/\r?\n/).map((line) => line.trim())
    const names = lines.filter(Boolean)
    const start = /^(.+)_(?:train|val|trainval|test)$/.exec(name)?.[1]
    if (start !== undefined && (labels.includes(start) || areOfOneClass(names))) continue
    splits.set(name, new Set(names))
  }
  return splits
}

/** Whether every image has the mark that VOC's lists of one class give it: -1, 0 or 1. */
function areOfOneClass(lines: readonly string[]): boolean {
  return lines.length > 0 && lines.every((line) => /\s(?:-1|0|1)$/.test(line))
}

function labelsOf(annotations: readonly VocAnnotation[]): readonly string[] {
  const names = new Set(annotations.flatMap(({ objects }) => objects.map(({ label }) => label)).filter(Boolean))
  return VOC_LABELS.some((label) => names.has(label)) && [...names].every((name) => VOC_LABELS.includes(name))
    ? VOC_LABELS
    : [...names].sort()
}

/**
 * A dataset as a VOC folder: `Annotations/<name>.xml`, `ImageSets/Main/<split>.txt` (all images in `default` when the
 * dataset has no splits); the pictures belong in `JPEGImages/`. VOC has no crowds: they become difficult objects, which
 * evaluation ignores alike.
 *
 * @throws VertebraError `DATA_INVALID` when two images would share a name.
 */
export function writeVocDataset({ images, annotations, categories }: Dataset): DatasetFiles {
  const problems: DatasetProblem[] = []
  const files = new Map<string, string>()
  const places = new Map<string, string>()
  const splits = new Map<string, string[]>()
  const label = new Map(categories.map(({ id, name }) => [id, name]))
  for (const { id, name } of categories) {
    if (withoutUncarried(name) === name) continue
    problems.push(
      problem('not-held', 'repaired', 'VOC', `category ${id}`, 'its name, written without control characters'),
    )
  }
  const objects = new Map<number | string, { annotation: DatasetAnnotation; label: string }[]>()
  for (const annotation of annotations) {
    const own = objects.get(annotation.image_id) ?? []
    objects.set(annotation.image_id, own)
    const crowd = annotation.iscrowd === 1
    const entry = `annotation ${annotation.id}`
    if (crowd) problems.push(problem('not-held', 'repaired', 'VOC', entry, 'a crowd, written as a difficult object'))
    own.push({
      annotation: crowd ? { ...annotation, difficult: 1 } : annotation,
      label: label.get(annotation.category_id) ?? '',
    })
  }
  for (const image of images) {
    const name = stemOf(image.file_name)
    const path = `Annotations/${name}.xml`
    if (files.has(path)) throw unexpected(`file_name of image ${image.id}`, 'a name of its own', name, 'DATA_INVALID')
    files.set(path, writeVocAnnotation(image, objects.get(image.id) ?? []))
    places.set(image.file_name, `JPEGImages/${baseName(image.file_name)}`)
    for (const split of image.splits ?? ['default']) {
      requireNameInFolder(`split of image ${image.id}`, split)
      const names = splits.get(split) ?? []
      names.push(name)
      splits.set(split, names)
    }
  }
  for (const [split, names] of splits) files.set(`ImageSets/Main/${split}.txt`, `${names.join('\n')}\n`)
  return { files, images: places, problems }
}
