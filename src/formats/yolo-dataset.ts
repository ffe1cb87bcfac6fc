import { parse, stringify } from 'yaml'
import type { Size } from '../boxes/boxes.ts'
import { describe, messageOf, unexpected, VertebraError } from '../errors.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import { idOfName } from './coco.ts'
import {
  type Dataset,
  type DatasetFiles,
  type DatasetProblem,
  type DatasetReading,
  problem,
  type TextFolder,
} from './dataset.ts'
import { DatasetBuilder } from './dataset-builder.ts'
import { distinctNames, requireNameInFolder } from './names.ts'
import { readYoloLabel, writeYoloLabel } from './yolo-label.ts'

export interface YoloDatasetOptions extends WorkOptions {
  /** The size of an image file in pixels, or undefined when it is not there: YOLO files hold only fractions. */
  readonly sizeOf: (path: string) => Size | undefined | Promise<Size | undefined>
  /** Only this part of `data.yaml`: `train`, `val` or `test`. Default: all. */
  readonly split?: string | undefined
}

const SPLITS = ['train', 'val', 'test'] as const
const PICTURE = /\.(?:avif|bmp|gif|jpe?g|png|tiff?|webp)$/i

/**
 * Reads a YOLO folder (https://docs.ultralytics.com/datasets/detect): `data.yaml` with `names` and the folders or lists
 * of `train`, `val` and `test`; labels lie where `labels` replaces the last `images` of an image's path. Class k gets
 * category id k + 1. A polygon (more than four numbers) becomes the box around it, as in Ultralytics.
 *
 * @throws VertebraError `DATA_INVALID` when data.yaml is missing, is no YAML, or has no names, or there are no images;
 * `ABORTED`.
 */
export async function readYoloDataset(folder: TextFolder, options: YoloDatasetOptions): Promise<DatasetReading> {
  const { sizeOf, split, signal, onProgress } = options
  const yaml = await readYaml(folder)
  const builder = new DatasetBuilder()
  const names = namesOf(yaml.names)
  for (const [k, name] of names) {
    const isWord = typeof name === 'number' || typeof name === 'boolean'
    if (isWord) {
      const what = `its name is ${name}, no text; it is taken as "${name}"`
      builder.report('bad-name', 'repaired', 'data.yaml', `category ${k + 1}`, what)
    }
    builder.addCategory({ id: k + 1, name: isWord ? String(name) : name }, 'data.yaml', k)
  }
  const splits = new Map<string, string[]>()
  for (const name of SPLITS) {
    if (split !== undefined && split !== name) continue
    for (const entry of entriesOf(yaml[name])) {
      const pictures = await picturesOf(folder, yaml.path, entry)
      for (const path of pictures) splits.set(path, [...new Set([...(splits.get(path) ?? []), name])])
      if (pictures.length > 0) continue
      builder.report('image-missing', 'dropped', 'data.yaml', `${name} ${describe(entry)}`, 'it names no pictures')
    }
  }
  const paths = [...splits.keys()].sort()
  if (paths.length === 0) {
    throw new VertebraError('DATA_INVALID', 'Expected images in the folders that data.yaml names but found none.')
  }
  const idOf = distinctNames(paths, idOfName)
  let [count, done] = [0, 0]
  for (const path of paths) {
    throwIfAborted(signal)
    const size = await sizeOf(path)
    const labels = labelPath(path)
    const text = await folder.read(labels)
    if (!size) {
      const what = 'it is not there, and without its size its labels mean nothing; both are dropped'
      builder.report('image-missing', 'dropped', path, `image "${path}"`, what)
    } else {
      builder.addImage({ id: idOf(path), file_name: path, ...size, splits: splits.get(path) }, path, done)
      for (const [i, line] of (text ?? '').split(/\r?\n/).entries()) {
        if (line.trim() === '') continue
        const label = readYoloLabel(line, size)
        if (label === undefined) {
          const what = `"${line.slice(0, 80)}" is not <class> <cx> <cy> <width> <height>; it is dropped`
          builder.report('unreadable', 'dropped', labels, `line ${i + 1}`, what)
          continue
        }
        const annotation = { id: ++count, image_id: idOf(path), category_id: label.classIndex + 1, bbox: label.bbox }
        builder.addAnnotation(annotation, labels, i)
      }
    }
    onProgress?.({ phase: 'read', done: ++done, total: paths.length, item: path })
  }
  return builder.finish('data.yaml')
}

/**
 * A dataset as a YOLO folder: `data.yaml`, `labels/<split>/<name>.txt`, the pictures in `images/<split>/` (`train`
 * where an image has no split; of several splits the first). Classes are numbered from 0 in the order of the category
 * ids. YOLO has no crowds and no difficult objects: they are left out, as Ultralytics does when it converts VOC.
 *
 * @throws VertebraError `DATA_INVALID` for an image without a size, or when two images would share a name.
 */
export function writeYoloDataset({ images, annotations, categories }: Dataset): DatasetFiles {
  const problems: DatasetProblem[] = []
  const files = new Map<string, string>()
  const places = new Map<string, string>()
  const classIndex = new Map([...categories].sort((a, b) => a.id - b.id).map(({ id }, k) => [id, k]))
  const lines = new Map<number | string, string[]>(images.map(({ id }) => [id, []]))
  const sizes = new Map(images.map((image) => [image.id, image]))
  for (const { id, image_id, category_id, bbox, iscrowd, difficult } of annotations) {
    const size = sizes.get(image_id)
    const k = classIndex.get(category_id)
    if (iscrowd === 1 || difficult === 1) {
      const what = `${iscrowd === 1 ? 'a crowd' : 'a difficult object'}, left out`
      problems.push(problem('not-held', 'dropped', 'YOLO', `annotation ${id}`, what))
    } else if (size && k !== undefined) {
      lines.get(image_id)?.push(writeYoloLabel(k, bbox, size))
    }
  }
  const used = new Set<string>()
  for (const { id, file_name, width, height, splits } of images) {
    if (!(width > 0 && height > 0))
      throw unexpected(`size of image ${id}`, 'a known size', `${width} x ${height}`, 'DATA_INVALID')
    const [split = 'train', ...more] = splits ?? []
    if (more.length > 0) {
      problems.push(
        problem('not-held', 'dropped', 'YOLO', `image ${id}`, `it is in ${split} and no longer in ${more.join(', ')}`),
      )
    }
    requireNameInFolder(`split of image ${id}`, split)
    const name = file_name.replaceAll('\\', '/').replace(/^(?:.*\/)?images\/(?:(?:train|val|test)\/)?/, '')
    if (relative(name) !== name) {
      throw unexpected(`file_name of image ${id}`, 'a name within its folder', file_name, 'DATA_INVALID')
    }
    const path = `images/${split}/${name}`
    if (files.has(labelPath(path)))
      throw unexpected(`file_name of image ${id}`, 'a name of its own', name, 'DATA_INVALID')
    places.set(file_name, path)
    files.set(labelPath(path), (lines.get(id) ?? []).join(''))
    used.add(split)
  }
  const names = Object.fromEntries([...classIndex].map(([id, k]) => [k, categories.find((c) => c.id === id)?.name]))
  const folders = Object.fromEntries([...used].map((split) => [split, `images/${split}`]))
  files.set('data.yaml', stringify({ path: '.', ...folders, names }))
  return { files, images: places, problems }
}

async function readYaml(folder: TextFolder): Promise<Readonly<Record<string, unknown>>> {
  const text = await folder.read('data.yaml')
  if (text === undefined) throw new VertebraError('DATA_INVALID', 'Expected a file data.yaml but there is none.')
  let yaml: unknown
  try {
    yaml = parse(text)
  } catch (cause) {
    throw new VertebraError('DATA_INVALID', `Expected YAML in data.yaml but ${messageOf(cause)}`, { cause })
  }
  if (typeof yaml !== 'object' || yaml === null || Array.isArray(yaml)) {
    throw unexpected('data.yaml', 'fields names, train, val', yaml, 'DATA_INVALID')
  }
  return yaml as Readonly<Record<string, unknown>>
}

/** Names by class number: `names` is a list or a map. */
function namesOf(value: unknown): [number, unknown][] {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const names = entries.map(([k, name]): [number, unknown] => [Number(k), name])
  if (names.length === 0 || !names.every(([k]) => Number.isSafeInteger(k) && k >= 0)) {
    throw unexpected(
      'names of data.yaml',
      'a list of class names, or a map from class number to name',
      value,
      'DATA_INVALID',
    )
  }
  return names
}

/** The folders and list files of one split; a split may be left empty. */
function entriesOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]
}

/** The pictures that one entry of data.yaml, a folder or a list file, names. */
async function picturesOf(folder: TextFolder, root: unknown, entry: unknown): Promise<readonly string[]> {
  if (typeof entry !== 'string') return []
  for (const path of typeof root === 'string' ? [relative(`${root}/${entry}`), relative(entry)] : [relative(entry)]) {
    const list = path.endsWith('.txt') ? await folder.read(path) : undefined
    const pictures =
      list === undefined
        ? await folder.list(path)
        : list.split(/\r?\n/).map((line) => relative(`${line.startsWith('./') ? `${path}/../` : ''}${line.trim()}`))
    const own = pictures.filter((picture) => PICTURE.test(picture))
    if (own.length > 0) return own
  }
  return []
}

/** A path without `.`, `..` and empty parts; it never leaves the folder. */
function relative(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** `images/train/a.jpg`: `labels/train/a.txt`. */
function labelPath(image: string): string {
  const at = `/${image}`.lastIndexOf('/images/')
  const moved = at < 0 ? image : `${image.slice(0, at)}labels/${image.slice(at + 7)}`
  return moved.replace(/\.[^./]+$/, '.txt')
}
