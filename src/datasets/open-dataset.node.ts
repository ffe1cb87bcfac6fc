import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { describe, unexpected, VertebraError } from '../errors.ts'
import {
  type Dataset,
  type DatasetReading,
  readCocoDataset,
  readVocDataset,
  readYoloDataset,
} from '../formats/index.ts'
import { stemOf } from '../formats/names.ts'
import { IMAGE_EXTENSIONS } from '../images/sources.node.ts'
import type { WorkOptions } from '../progress.ts'
import { readFilePieces } from './file-pieces.node.ts'
import { sizesOf, withReasons } from './photo-size.node.ts'
import { textFolder } from './text-folder.node.ts'

export const DATASET_FORMATS = ['coco', 'voc', 'yolo'] as const

export type DatasetFormat = (typeof DATASET_FORMATS)[number]

export interface OpenDatasetOptions extends WorkOptions {
  /** The folder that image file names start from. Default: found by the format's usual layout. */
  readonly photos?: string | undefined
  /** Only this part of a VOC or YOLO folder. Default: all. */
  readonly split?: string | undefined
  /** Keep fields of a COCO file that this library does not use. Default false. */
  readonly keepOther?: boolean | undefined
}

/** A dataset on disk. */
export interface OpenDataset extends DatasetReading {
  readonly format: DatasetFormat
  /** The annotation files that were read. */
  readonly files: ReadonlySet<string>
  /** The folder that image file names start from. */
  readonly photos: string
  /** The path of an image by its `file_name`, whether the file is there or not. */
  photoPath(fileName: string): string
}

/**
 * Opens a dataset from its path: a COCO instances file, a VOC folder (with `Annotations`), a YOLO folder (with
 * `data.yaml`, or that file itself), or a folder with one COCO file in it.
 *
 * Photos of a COCO file are sought in `images` beside it, beside it, and as COCO itself lays them out: for
 * `annotations/instances_val2017.json` in `val2017` and `images/val2017` beside `annotations`. VOC's are in `JPEGImages`,
 * by their name or, with another ending, by their name without it.
 *
 * @throws VertebraError `DATA_INVALID` when it is none of these or cannot be used; `INVALID_ARGUMENT` for an option that
 * the format does not have; `ABORTED`.
 */
export async function openDataset(path: string, options: OpenDatasetOptions = {}): Promise<OpenDataset> {
  const { format, root } = await recognise(path)
  if (options.photos !== undefined && !(await isFolder(options.photos))) {
    throw unexpected('the folder of the photos', 'an existing folder', options.photos)
  }
  if (format === 'coco') return openCoco(root, options)
  if (format === 'voc') return openVoc(root, options)
  if (options.photos !== undefined) {
    throw unexpected('the folder of the photos', 'none, as data.yaml names it,', options.photos)
  }
  return openYolo(root, options)
}

async function recognise(path: string): Promise<{ format: DatasetFormat; root: string }> {
  const entry = await stat(path).catch(() => undefined)
  if (!entry) throw new VertebraError('DATA_INVALID', `Expected a dataset but there is nothing at ${describe(path)}.`)
  if (entry.isFile()) {
    return basename(path) === 'data.yaml' ? { format: 'yolo', root: dirname(path) } : { format: 'coco', root: path }
  }
  const names = await readdir(path)
  if (names.includes('Annotations')) return { format: 'voc', root: path }
  if (names.includes('data.yaml')) return { format: 'yolo', root: path }
  const files = names.filter((name) => name.endsWith('.json'))
  if (files[0] !== undefined && files.length === 1) return { format: 'coco', root: join(path, files[0]) }
  const but = files.length === 0 ? 'it has none of these' : `it has ${files.length} JSON files: give one of them`
  throw new VertebraError(
    'DATA_INVALID',
    `Expected a COCO file, a VOC folder (Annotations) or a YOLO folder (data.yaml) at ${describe(path)} but ${but}.`,
  )
}

async function openCoco(file: string, options: OpenDatasetOptions): Promise<OpenDataset> {
  refuseSplit('a COCO file', options)
  const { keepOther = false, signal } = options
  const reading = await readCocoDataset(readFilePieces(file, options), { file: basename(file), keepOther, signal })
  const photos = options.photos ?? (await findPhotos(file, reading.dataset))
  return { ...reading, format: 'coco', files: new Set([file]), photos, photoPath: (name) => resolve(photos, name) }
}

async function openVoc(root: string, options: OpenDatasetOptions): Promise<OpenDataset> {
  const files = new Set<string>()
  const reading = await readVocDataset(textFolder(root, files), options)
  const photos = options.photos ?? join(root, 'JPEGImages')
  const names = await readdir(photos).catch((): string[] => [])
  const there = new Set(names)
  const pictures = names.filter((name) => IMAGE_EXTENSIONS.includes(extname(name).slice(1).toLowerCase()))
  const byStem = new Map(pictures.map((name) => [stemOf(name), name]))
  const photoPath = (name: string): string =>
    resolve(photos, there.has(name) ? name : (byStem.get(stemOf(name)) ?? name))
  return { ...reading, format: 'voc', files, photos, photoPath }
}

async function openYolo(root: string, options: OpenDatasetOptions): Promise<OpenDataset> {
  const photoPath = (name: string): string => resolve(root, name)
  const files = new Set<string>()
  const unreadable = new Map<string, string>()
  const sizeOf = sizesOf(photoPath, unreadable)
  const { dataset, problems } = await readYoloDataset(textFolder(root, files), { ...options, sizeOf })
  return { dataset, problems: withReasons(problems, unreadable), format: 'yolo', files, photos: root, photoPath }
}

function refuseSplit(what: string, { split }: OpenDatasetOptions): void {
  if (split !== undefined) throw unexpected('split', `none, as ${what} is one split,`, split)
}

/** The first of the usual folders that holds any of the photos; the first of all when none does. */
async function findPhotos(file: string, { images }: Dataset): Promise<string> {
  const folder = dirname(file)
  const split = /^instances_(.+)\.json$/.exec(basename(file))?.[1]
  const usual = [join(folder, 'images'), folder]
  if (split !== undefined) usual.push(join(folder, '..', split), join(folder, '..', 'images', split))
  for (const candidate of usual) {
    if (!(await isFolder(candidate))) continue
    for (const { file_name } of images) if (await isFile(resolve(candidate, file_name))) return candidate
  }
  return usual[0] as string
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}
