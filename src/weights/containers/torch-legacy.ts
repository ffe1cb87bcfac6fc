import { describe } from '../../errors.ts'
import { ELEMENT_BYTES, invalidWeights, type WeightFile } from '../stored-tensor.ts'
import { ByteCursor } from './byte-cursor.ts'
import { type PickleRules, readPickle } from './pickle.ts'
import { describePickled, type PickleValue } from './pickle-values.ts'
import { readStateDict } from './state-dict.ts'
import { TORCH_RULES, TorchStorage } from './torch-pickle.ts'

const MAGIC = 0x1950a86a20f9469cfc6cn
const VERSION = 1001
/** The pickle of {@link MAGIC} in protocol 2: how such a file begins. */
const HEAD = Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e)

/** True for what `torch.save` wrote before PyTorch 1.6. */
export function isTorchLegacy(bytes: Uint8Array): boolean {
  return HEAD.every((byte, i) => bytes[i] === byte)
}

/**
 * Reads what `torch.save` wrote before PyTorch 1.6: five pickles in a row (a magic number, the version, facts of the
 * machine, the object, the keys of its storages), then for each key the number of elements and the elements.
 */
export function readTorchLegacy(bytes: Uint8Array): WeightFile {
  const storages = new Map<string, TorchStorage>()
  const rules: PickleRules = {
    ...TORCH_RULES,
    persistent: (id) => {
      const storage = TORCH_RULES.persistent?.(id) ?? null
      if (storage instanceof TorchStorage) storages.set(storage.key, storage)
      return storage
    },
  }
  let at = 0
  const next = (): PickleValue => {
    const { value, end } = readPickle(bytes, rules, at)
    at = end
    return value
  }
  const [magic, version, machine, root, keys] = [next(), next(), next(), next(), next()]
  if (magic !== MAGIC || version !== VERSION) {
    throw invalidWeights(`a PyTorch file of version ${VERSION} but received ${describePickled(version)}`)
  }
  if (!(machine instanceof Map) || machine.get('little_endian') !== true) {
    throw invalidWeights('a PyTorch file in little-endian order')
  }
  const contents = readStorages(new ByteCursor(bytes, 'PyTorch file', at), keys, storages)
  const storageBytes = ({ key }: TorchStorage): Uint8Array => {
    const content = contents.get(key)
    if (content) return content
    throw invalidWeights(`the elements of storage ${describe(key)} in the PyTorch file but they are missing`)
  }
  return readStateDict('PyTorch file (older than 1.6)', root, storageBytes, bytes.length)
}

function readStorages(
  cursor: ByteCursor,
  keys: PickleValue,
  storages: ReadonlyMap<string, TorchStorage>,
): Map<string, Uint8Array> {
  if (!Array.isArray(keys))
    throw invalidWeights(`the keys of storages in the PyTorch file but received ${describePickled(keys)}`)
  const contents = new Map<string, Uint8Array>()
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (!storage || contents.has(storage.key)) {
      throw invalidWeights(`each storage that the PyTorch file uses, once, but received ${describePickled(key)}`)
    }
    const bytes = cursor.u64() * ELEMENT_BYTES[storage.dtype]
    if (bytes !== storage.byteLength) {
      throw invalidWeights(`${storage.byteLength} bytes for storage ${describe(key)} but received ${bytes}`)
    }
    contents.set(storage.key, cursor.take(bytes))
  }
  return contents
}
