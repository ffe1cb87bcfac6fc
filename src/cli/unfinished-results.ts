import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { messageOf, VertebraError } from '../errors.ts'

/** What results depend on besides the photo: results of another run may not be mixed in. */
export interface RunKey {
  /** Of this package. */
  readonly version: string
  /** The SHA-256 of everything in the manifest that detections depend on, the graphs' own included. */
  readonly model: string
  readonly device: string
  /** What the network computes in. */
  readonly precision: string
  readonly minScore: number
  /** The dataset's path. */
  readonly data: string
}

const headerSchema = z.object({
  format: z.literal('vertebra-unfinished-results'),
  version: z.string(),
  model: z.string(),
  device: z.string(),
  precision: z.string(),
  minScore: z.number(),
  data: z.string(),
})

/** One photo that is done. */
export interface DonePhoto {
  /** Absolute path, and what tells that the file is still the same. */
  readonly file: string
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly modified: number
  readonly width: number
  readonly height: number
  readonly detections: readonly DoneDetection[]
}

type DoneDetection = readonly [classIndex: number, x: number, y: number, width: number, height: number, score: number]

const photoSchema: z.ZodType<DonePhoto> = z.object({
  file: z.string(),
  bytes: z.number(),
  modified: z.number(),
  width: z.number(),
  height: z.number(),
  detections: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number()])),
})

/** The results of a run that is not finished, in a file that only grows: one line per photo. */
export interface UnfinishedResults {
  /** By path. */
  readonly done: Map<string, DonePhoto>
  /** Resolves when the photo is in the file. */
  add(photo: DonePhoto): Promise<void>
  close(): Promise<void>
}

/**
 * Opens or begins the file. A line that a killed process left half written is passed over, so its photo is done again.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the file is of another run, which it names, or no such file;
 * `OUTPUT_FAILED` when it cannot be written.
 */
export async function openUnfinished(path: string, key: RunKey): Promise<UnfinishedResults> {
  const done = new Map<string, DonePhoto>()
  const begun = await readLines(path, key, done)
  let file: FileHandle
  try {
    await mkdir(dirname(path), { recursive: true })
    file = await open(path, 'a')
    // A new line ends what a killed process left; an empty one does no harm.
    await file.appendFile(begun ? '\n' : `${JSON.stringify({ format: 'vertebra-unfinished-results', ...key })}\n`)
  } catch (cause) {
    throw failed(path, cause)
  }
  return {
    done,
    async add(photo) {
      try {
        await file.appendFile(`${JSON.stringify(photo)}\n`)
      } catch (cause) {
        throw failed(path, cause)
      }
      done.set(photo.file, photo)
    },
    close: () => file.close(),
  }
}

/** Whether the file has been begun. */
async function readLines(path: string, key: RunKey, done: Map<string, DonePhoto>): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined)
  if (entry === undefined || (entry.isFile() && entry.size === 0)) return false
  if (!entry.isFile()) throw anotherFile(path)
  const file = await open(path).catch((cause: unknown) => {
    throw failed(path, cause)
  })
  try {
    let first = true
    for await (const line of file.readLines({ autoClose: false })) {
      if (first) {
        checkHeader(path, line, key)
        first = false
        continue
      }
      const photo = photoSchema.safeParse(parsed(line))
      if (photo.success) done.set(photo.data.file, photo.data)
    }
  } finally {
    await file.close()
  }
  return true
}

function checkHeader(path: string, line: string, key: RunKey): void {
  const header = headerSchema.safeParse(parsed(line))
  if (!header.success) throw anotherFile(path)
  const different = (['version', 'model', 'device', 'precision', 'minScore', 'data'] as const).filter(
    (name) => header.data[name] !== key[name],
  )
  if (different.length === 0) return
  const differences = different.map((name) => `${name} ${header.data[name]} instead of ${key[name]}`).join(', ')
  throw new VertebraError(
    'INVALID_ARGUMENT',
    `Expected unfinished results of the same run in ${path} but they are of another (${differences}): ` +
      'remove the file to begin anew, or give another --out.',
  )
}

/** Removes the file once its results are elsewhere. */
export async function removeUnfinished(path: string): Promise<void> {
  await rm(path, { force: true })
}

function anotherFile(path: string): VertebraError {
  return new VertebraError(
    'INVALID_ARGUMENT',
    `Expected unfinished results of this command in ${path} but it is another file: remove it, or give another --out.`,
  )
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function failed(path: string, cause: unknown): VertebraError {
  return new VertebraError('OUTPUT_FAILED', `Expected to write ${path} but it failed: ${messageOf(cause)}.`, { cause })
}
