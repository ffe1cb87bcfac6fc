import { Option } from 'commander'
import { type OpenDataset, type OpenDatasetOptions, openDataset } from '../datasets/open-dataset.node.ts'
import { type ProgressBar, progressBar } from './progress-bar.ts'

/** What the commands that open a dataset share. */

export const imagesOption = (): Option =>
  new Option('--images <folder>', 'where the photos are (default: found by the usual layout of the format)')

export const splitOption = (): Option =>
  new Option('--split <name>', 'only this part of a VOC or YOLO folder, such as val')

export const DATASET_KINDS = `A dataset is a COCO file (photos in images/ beside it, or say --images), a VOC folder with Annotations and
JPEGImages, or a YOLO folder with data.yaml.`

/** Opens a dataset with a progress bar: megabytes of a COCO file, or the files of a folder. */
export async function openShown(
  path: string,
  flags: { readonly images?: string; readonly split?: string },
  options: Pick<OpenDatasetOptions, 'keepOther' | 'signal'>,
): Promise<OpenDataset> {
  let bar: ProgressBar | undefined
  try {
    return await openDataset(path, {
      photos: flags.images,
      split: flags.split,
      ...options,
      onProgress(progress) {
        bar ??= progressBar(progress.item?.endsWith('.json') ? 'MB' : 'files')
        bar.update(progress)
      },
    })
  } finally {
    bar?.clear()
  }
}
