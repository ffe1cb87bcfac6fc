import { constants, copyFile, mkdir, readdir } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import type { DatasetFormat, OpenDataset } from '../datasets/open-dataset.node.ts'
import { sizesOf } from '../datasets/photo-size.node.ts'
import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { writeCocoDataset, writeVocDataset, writeYoloDataset } from '../formats/index.ts'
import { throwIfAborted } from '../progress.ts'
import { problemList } from './dataset-problems.ts'
import { writeFolder } from './write-folder.ts'
import { checkFileWritable, checkWritable, writeWhole } from './write-whole.ts'

/** Where a dataset is converted to. */
export interface DatasetTarget {
  readonly format: DatasetFormat
  /** A file for COCO, a folder for the others. */
  readonly out: string
  readonly copyPhotos: boolean
}

/**
 * Checks what was asked for before the work.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for `--to` without `--out`, or a folder that has something in it, which would
 * become part of the dataset.
 */
export async function checkDatasetOutput(flags: {
  readonly to?: DatasetFormat
  readonly out?: string
  readonly copyPhotos?: boolean
}): Promise<DatasetTarget | undefined> {
  const { to, out, copyPhotos = false } = flags
  if (to === undefined && out === undefined && !copyPhotos) return undefined
  if (to === undefined) throw unexpected('--to', 'a format to convert to', to)
  if (out === undefined) throw unexpected('--out', 'the path to convert to', out)
  if (to === 'coco') {
    if (copyPhotos) throw unexpected('--copy-photos', 'voc or yolo as the format', to)
    await checkFileWritable(out)
  } else {
    const there = await readdir(out).catch(() => [])
    if (there.length > 0) throw unexpected('--out', 'a new or empty folder', out)
    await checkWritable(out)
  }
  return { format: to, out, copyPhotos }
}

/**
 * Writes a dataset in another format, whole or not at all: see {@link writeFolder}.
 *
 * @returns what is to be said about it.
 * @throws VertebraError `OUTPUT_FAILED`; `DATA_INVALID` when the dataset cannot be written in this format, or a photo
 * that is to be copied lies outside the photos' folder; `ABORTED`.
 */
export async function writeDataset(
  { dataset, photos, photoPath }: Pick<OpenDataset, 'dataset' | 'photos' | 'photoPath'>,
  { format, out, copyPhotos }: DatasetTarget,
  signal: AbortSignal,
): Promise<string> {
  if (format === 'coco') {
    await writeWhole(out, writeCocoDataset(dataset))
    return `Written: ${out}; its file names start from ${photos}\n`
  }
  const { files, images, problems } = format === 'voc' ? writeVocDataset(dataset) : writeYoloDataset(dataset)
  const copied = await writeFolder(out, format === 'voc' ? 'Annotations' : 'data.yaml', async (hidden) => {
    const count = copyPhotos ? await copyPhotosInto(hidden, images, { photos, photoPath }, signal) : 0
    for (const [path, text] of files) {
      throwIfAborted(signal)
      await writeWhole(inside(hidden, path), text)
    }
    return count
  })
  const [first] = images.values()
  const said = copyPhotos
    ? `${copied} of ${images.size} photos copied`
    : `the photos are still in ${photos} and belong in ${resolve(out, dirname(first ?? ''))}`
  return `${problemList(problems)}Written: ${files.size} files in ${out}; ${said}\n`
}

/** A path of the folder; names in a dataset may not lead out of it. */
function inside(folder: string, path: string): string {
  const place = resolve(folder, path)
  if (isInside(folder, place)) return place
  throw unexpected('a file name of the dataset', 'a name within its folder', path, 'DATA_INVALID')
}

function isInside(folder: string, path: string): boolean {
  return path.startsWith(join(resolve(folder), sep))
}

/** Copies the photos that are there and can be read. */
async function copyPhotosInto(
  folder: string,
  places: ReadonlyMap<string, string>,
  { photos, photoPath }: Pick<OpenDataset, 'photos' | 'photoPath'>,
  signal: AbortSignal,
): Promise<number> {
  for (const fileName of places.keys()) {
    if (isInside(photos, photoPath(fileName))) continue
    throw unexpected('a photo to copy', `a file in the photos' folder ${photos}`, fileName, 'DATA_INVALID')
  }
  const sizeOf = sizesOf(photoPath, new Map())
  let copied = 0
  for (const [fileName, place] of places) {
    throwIfAborted(signal)
    if ((await sizeOf(fileName)) === undefined) continue
    await copyPhoto(photoPath(fileName), inside(folder, place))
    copied++
  }
  return copied
}

async function copyPhoto(from: string, to: string): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true })
    await copyFile(from, to, constants.COPYFILE_FICLONE)
  } catch (cause) {
    throw new VertebraError('OUTPUT_FAILED', `Expected to write ${to} but it failed: ${messageOf(cause)}.`, { cause })
  }
}
