import { VertebraError } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import type { Dataset, DatasetReading } from './dataset.ts'
import { DatasetBuilder } from './dataset-builder.ts'
import { type ByteChunks, readJsonEntries } from './json-stream.ts'

export interface CocoDatasetOptions {
  /** The file's name, for messages. */
  readonly file?: string | undefined
  /**
   * Keep the fields that this library does not use (segmentation, info, licences …), so that `writeCocoDataset` gives
   * them back. Default true; false needs far less memory for a large file.
   */
  readonly keepOther?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads a COCO instances file of any size, entry by entry. What is wrong with entries is repaired or dropped by the
 * rules of `DatasetProblemKind` and listed; `readCocoInstances` refuses such a file instead.
 *
 * @param source the file's text or bytes, or its bytes in pieces (`createReadStream(path)`).
 * @throws VertebraError `DATA_INVALID` when it is not JSON, breaks off, or lacks images, annotations or categories;
 * `ABORTED`.
 *
 * @example
 * const { dataset, problems } = await readCocoDataset(createReadStream('instances.json'), { file: 'instances.json' })
 */
export async function readCocoDataset(
  source: string | Uint8Array | ByteChunks,
  { file = 'COCO annotations', keepOther = true, signal }: CocoDatasetOptions = {},
): Promise<DatasetReading> {
  const builder = new DatasetBuilder(keepOther)
  const seen = new Set<string>()
  const other = new Map<string, unknown>()
  await readJsonEntries(checked(source, signal), file, (value, field, index) => {
    if (field === undefined) throw wrong(file, 'an object with images, annotations and categories', 'an array')
    if (field === 'images' || field === 'annotations' || field === 'categories') {
      if (index >= 0) {
        if (field === 'images') builder.addImage(value, file, index)
        else if (field === 'annotations') builder.addAnnotation(value, file, index)
        else builder.addCategory(value, file, index)
      } else if (seen.has(field)) throw wrong(file, `${field} once`, 'it again')
      else if (Array.isArray(value)) seen.add(field)
      else throw wrong(file, `an array for ${field}`, 'something else')
    } else if (keepOther) {
      const list = other.get(field)
      if (index < 0) other.set(field, value)
      else if (Array.isArray(list)) list.push(value)
    }
  })
  for (const field of ['images', 'annotations', 'categories']) {
    if (!seen.has(field)) throw wrong(file, `an array for ${field}`, 'no such field')
  }
  return builder.finish(file, Object.fromEntries(other))
}

/**
 * A dataset as a COCO instances file, one entry per line, with the fields that a COCO file had of its own. Marks that
 * are 0 and that COCO does not know (`difficult`, `truncated`) are left out.
 *
 * @example
 * await writeFile('instances.json', writeCocoDataset(dataset))
 */
export function writeCocoDataset({ images, annotations, categories, other }: Dataset): string {
  const fields = Object.entries(other ?? {}).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
  const list = (name: string, entries: readonly object[]): string =>
    `"${name}": [${entries.map((entry) => `\n${JSON.stringify(entry)}`).join(',')}\n]`
  return `{${[
    ...fields,
    list(
      'images',
      images.map(({ other: more, ...image }) => ({ ...image, ...more })),
    ),
    list(
      'categories',
      categories.map(({ other: more, ...category }) => ({ ...category, ...more })),
    ),
    list(
      'annotations',
      annotations.map(({ other: more, difficult, truncated, ...annotation }) => ({
        ...annotation,
        ...(difficult === 1 ? { difficult } : {}),
        ...(truncated === 1 ? { truncated } : {}),
        ...more,
      })),
    ),
  ].join(',\n')}}\n`
}

async function* checked(
  source: string | Uint8Array | ByteChunks,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  throwIfAborted(signal)
  if (typeof source === 'string') yield new TextEncoder().encode(source)
  else if (source instanceof Uint8Array) yield source
  else {
    for await (const chunk of source) {
      throwIfAborted(signal)
      yield chunk
    }
  }
}

function wrong(file: string, what: string, received: string): VertebraError {
  return new VertebraError('DATA_INVALID', `Expected ${what} in ${file} but received ${received}.`)
}
