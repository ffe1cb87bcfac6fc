import { describe } from '../../errors.ts'
import { invalidWeights, type WeightFile } from '../stored-tensor.ts'
import { readPickle } from './pickle.ts'
import { readStateDict } from './state-dict.ts'
import { TORCH_RULES, type TorchStorage } from './torch-pickle.ts'
import type { ZipFiles } from './zip.ts'

/** The path of the pickle that a zip of `torch.save` has, or undefined for another zip. */
export function torchPicklePath(files: ZipFiles): string | undefined {
  return [...files.keys()].find((name) => /^[^/]*\/data\.pkl$/.test(name) || name === 'data.pkl')
}

/**
 * Reads what `torch.save` writes since PyTorch 1.6: a zip of one pickle, `<name>/data.pkl`, and one file per storage,
 * `<name>/data/<key>`.
 *
 * @param byteLength of the whole file.
 */
export function readTorchZip(files: ZipFiles, pickle: string, byteLength: number): WeightFile {
  const folder = pickle.slice(0, -'data.pkl'.length)
  if (files.has(`${folder}constants.pkl`)) {
    throw invalidWeights(
      "a checkpoint of tensors but received a TorchScript archive (in Python, save the model's state_dict)",
    )
  }
  const order = files.get(`${folder}byteorder`)
  if (order && new TextDecoder().decode(order()) !== 'little')
    throw invalidWeights('a PyTorch file in little-endian order')
  const { value } = readPickle(openFile(files, pickle), TORCH_RULES)
  const storageBytes = (storage: TorchStorage): Uint8Array => {
    const name = `${folder}data/${storage.key}`
    const bytes = openFile(files, name)
    if (bytes.length === storage.byteLength) return bytes
    throw invalidWeights(`${storage.byteLength} bytes in ${describe(name)} but received ${bytes.length}`)
  }
  return readStateDict('PyTorch file', value, storageBytes, byteLength)
}

function openFile(files: ZipFiles, name: string): Uint8Array {
  const open = files.get(name)
  if (open) return open()
  throw invalidWeights(`${describe(name)} in the PyTorch file but it is missing`)
}
