import { describe } from '../../errors.ts'
import { invalidWeights, type StoredTensor, type WeightFile } from '../stored-tensor.ts'
import { inspectJson } from './json-keys.ts'

/** The index of weights that are spread over several files (Hugging Face: `model.safetensors.index.json`). */
export interface ShardIndex {
  /** The file of each tensor. */
  readonly files: ReadonlyMap<string, string>
}

/**
 * Reads such an index. Its files are plain names: they lie beside it.
 * @throws VertebraError `WEIGHTS_INVALID`
 */
export function readShardIndex(bytes: Uint8Array): ShardIndex {
  let value: unknown
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = JSON.parse(text)
  } catch (cause) {
    throw invalidWeights('JSON in the index of the weights', cause)
  }
  const map = typeof value === 'object' && value !== null && 'weight_map' in value ? value.weight_map : undefined
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw invalidWeights('an object "weight_map" in the index of the weights')
  }
  const { duplicateKey } = inspectJson(text)
  if (duplicateKey !== undefined) {
    throw invalidWeights(`each name once in the index of the weights but ${describe(duplicateKey)} is there twice`)
  }
  const entries = Object.entries(map).map(([name, file]: [string, unknown]): [string, string] => {
    if (typeof file === 'string' && /^[^/\\\0]+$/.test(file) && file !== '..' && file !== '.') return [name, file]
    throw invalidWeights(
      `a plain file name for tensor ${describe(name)} in the index of the weights but received ${describe(file)}`,
    )
  })
  if (entries.length === 0) throw invalidWeights('tensors in the index of the weights but there are none')
  return { files: new Map(entries) }
}

/** The tensors of an index, each out of its own file. */
export function joinShards({ files }: ShardIndex, shards: ReadonlyMap<string, WeightFile>): WeightFile {
  const tensors = new Map<string, StoredTensor>()
  for (const [name, file] of files) {
    const tensor = shards.get(file)?.tensors.get(name)
    if (!tensor)
      throw invalidWeights(`tensor ${describe(name)} in ${describe(file)}, as the index says, but it is not there`)
    tensors.set(name, tensor)
  }
  const [first] = shards.values()
  return {
    container: `${first?.container ?? 'file'} in ${shards.size} parts`,
    tensors,
    metadata: first?.metadata ?? {},
  }
}
