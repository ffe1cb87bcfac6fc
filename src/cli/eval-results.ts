import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readFilePieces } from '../datasets/file-pieces.node.ts'
import { describe, messageOf, VertebraError } from '../errors.ts'
import { type CocoInstances, type CocoResult, readCocoResults, readVocResults } from '../formats/index.ts'
import { readJsonEntries } from '../formats/json-stream.ts'
import type { WorkOptions } from '../progress.ts'

const VOC_RESULTS = /^comp\d+_det_[^_]+_(.+)\.txt$/

type EvaluatedDataset = Pick<CocoInstances, 'images' | 'categories'>

export interface ReadResults {
  readonly results: readonly CocoResult[]
  readonly warnings: readonly string[]
}

/**
 * Reads results from anywhere: a COCO results file, or a folder of VOC's `comp4_det_test_<class>.txt`.
 *
 * @throws VertebraError `DATA_INVALID` when it is neither, or names images that the dataset does not have (VOC).
 */
export async function readResults(
  path: string,
  dataset: EvaluatedDataset,
  options: WorkOptions = {},
): Promise<ReadResults> {
  const entry = await stat(path).catch(() => undefined)
  if (!entry) throw new VertebraError('DATA_INVALID', `Expected results but there is nothing at ${describe(path)}.`)
  if (entry.isDirectory()) return readVocFolder(path, dataset)
  const entries: unknown[] = []
  const file = basename(path)
  await readJsonEntries(readFilePieces(path, options), file, (value, field, index) => {
    if (field !== undefined) {
      throw new VertebraError(
        'DATA_INVALID',
        `Expected an array of results in ${file} but received an object with a field ${describe(field)}: are these annotations?`,
      )
    }
    if (index >= 0) entries.push(value)
  })
  return { results: readCocoResults(entries, file), warnings: [] }
}

async function readVocFolder(folder: string, dataset: EvaluatedDataset): Promise<ReadResults> {
  const names = (await readdir(folder)).filter((name) => VOC_RESULTS.test(name)).sort()
  if (names.length === 0) {
    throw new VertebraError(
      'DATA_INVALID',
      `Expected files such as comp4_det_test_<class>.txt in ${describe(folder)} but found none.`,
    )
  }
  const files = new Map<string, string>()
  for (const name of names) {
    try {
      files.set(name, await readFile(join(folder, name), 'utf8'))
    } catch (cause) {
      const message = `Could not read ${describe(join(folder, name))}: ${messageOf(cause)}.`
      throw new VertebraError('DATA_INVALID', message, { cause })
    }
  }
  const given = new Set(names.map((name) => decoded(VOC_RESULTS.exec(name)?.[1] ?? '')))
  const without = dataset.categories.map(({ name }) => name).filter((name) => !given.has(name))
  const warnings = without.length === 0 ? [] : [`There is no results file for ${without.join(', ')}.`]
  return { results: readVocResults(files, dataset), warnings }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
