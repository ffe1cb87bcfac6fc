import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { TestContext } from 'vitest'

const python = process.env.PYTHON ?? fileURLToPath(new URL('../../training/.venv/bin/python', import.meta.url))
const script = fileURLToPath(new URL('../reference/full_size.py', import.meta.url))
/** The script's exit status when it needs a library that is not installed. */
const MISSING = 3

/** The comparisons take minutes and need a Python with torchvision, some also timm or transformers: `npm run parity`. */
export const isParity: boolean = process.env.PARITY === '1' && existsSync(python)
if (!isParity) console.warn('Skipped: checkpoints of full size need PARITY=1 and training/.venv, or another PYTHON.')

export const MINUTES = 60_000

/** A folder in which test/reference/full_size.py put a checkpoint and what its project gives for a photo. */
export interface Checkpoint {
  readonly path: string
  readonly folder: URL
}

/** Makes a checkpoint, lets `compare` read it, and deletes it; skips the test when a library is not installed. */
export async function withCheckpoint(
  context: TestContext,
  fileName: string,
  [shorter, longer]: readonly [number, number],
  compare: (checkpoint: Checkpoint) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vertebra-parity-'))
  try {
    const name = fileName.replace(/\.\w+$/, '')
    const { status, stderr } = spawnSync(
      python,
      ['-W', 'ignore', script, name, folder, String(shorter), String(longer)],
      { encoding: 'utf8' },
    )
    if (status === MISSING) return context.skip(`${name} ${stderr.trim()}`)
    if (status !== 0) throw new Error(`full_size.py ${name} ended with ${status}: ${stderr}`)
    await compare({ path: join(folder, fileName), folder: pathToFileURL(`${folder}/`) })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** `3.1e-6`, for what a comparison reports. */
export const short = (value: number): string => value.toPrecision(2)
