import { join } from 'node:path'
import { MANIFEST_FILE, type ModelOutput } from '../convert/store-model.ts'
import { throwIfAborted } from '../progress.ts'
import { keepInputs } from './keep-inputs.ts'
import { writeFolder } from './write-folder.ts'
import { writeWhole } from './write-whole.ts'

/**
 * Writes a model folder, whole or not at all: see {@link writeFolder}.
 *
 * @param inputs what was read, none of which is written over.
 * @param make hands over the files.
 * @throws VertebraError `INVALID_ARGUMENT` where a file would take an input's place, `OUTPUT_FAILED`, `ABORTED`; what `make` throws.
 */
export function writeModel<T>(
  out: string,
  inputs: Iterable<string>,
  make: (save: ModelOutput['save']) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  return writeFolder(out, MANIFEST_FILE, async (folder) => {
    const save: ModelOutput['save'] = async (name, content) => {
      throwIfAborted(signal)
      await keepInputs('--out', [join(out, name)], inputs)
      await writeWhole(join(folder, name), content)
    }
    const made = await make(save)
    throwIfAborted(signal)
    return made
  })
}
