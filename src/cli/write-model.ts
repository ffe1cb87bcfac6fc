import { join } from 'node:path'
import { writeWhole } from './write-whole.ts'

/** Writes a model folder. The manifest goes last: until it is there, the folder is not a model. */
export async function writeModel(
  folder: string,
  { files }: { readonly files: ReadonlyMap<string, Uint8Array> },
): Promise<void> {
  for (const [name, content] of files) if (name !== 'model.json') await writeWhole(join(folder, name), content)
  await writeWhole(join(folder, 'model.json'), files.get('model.json') ?? '')
}
