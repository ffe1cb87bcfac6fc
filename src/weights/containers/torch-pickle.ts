import { ELEMENT_BYTES, type ElementType, invalidWeights, type StoredTensor } from '../stored-tensor.ts'
import type { stridedReader } from '../strided.ts'
import { INERT_GLOBALS } from './inert-pickle.ts'
import { NUMPY_GLOBALS } from './numpy-pickle.ts'
import type { PickleRules } from './pickle.ts'
import { describePickled, PickleGlobal, PickleObject, type PickleValue, wholeNumbers } from './pickle-values.ts'

/** PyTorch's storage classes by the type of their elements. */
const STORAGES: Readonly<Record<string, ElementType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
}

/** The memory of one or more tensors, kept outside the pickle under `key`. */
export class TorchStorage extends PickleObject {
  readonly title = 'a torch storage'
  readonly dtype: ElementType
  readonly key: string
  readonly byteLength: number

  constructor(dtype: ElementType, key: string, count: number) {
    super()
    this.dtype = dtype
    this.key = key
    this.byteLength = count * ELEMENT_BYTES[dtype]
  }
}

export class TorchTensor extends PickleObject {
  readonly title = 'a torch tensor'
  readonly #storage: TorchStorage
  readonly #offset: number
  readonly #shape: readonly number[]
  readonly #strides: readonly number[]

  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    super()
    this.#storage = storage
    this.#offset = offset
    this.#shape = shape
    this.#strides = strides
  }

  /** @param storageBytes the memory of a storage. */
  read(
    label: string,
    storageBytes: (storage: TorchStorage) => Uint8Array,
    strided: ReturnType<typeof stridedReader>,
  ): StoredTensor {
    const { dtype } = this.#storage
    const layout = { dtype, offset: this.#offset, shape: this.#shape, strides: this.#strides }
    return strided(label, storageBytes(this.#storage), layout)
  }
}

/**
 * (storage, offset, size, stride, requires_grad, hooks, metadata). Only the last may change the values: PyTorch negates and conjugates
 * lazily, and `neg` and `conj` say that it is still to be done.
 */
const rebuildTensor = new PickleGlobal('torch tensor', ([storage, offset, size, stride, , , metadata]) => {
  const pending =
    metadata instanceof Map ? ['neg', 'conj'].find((key) => (metadata.get(key) ?? false) !== false) : undefined
  if (pending !== undefined) {
    throw invalidWeights(
      `tensors as they are stored in the pickle but one has "${pending}" still to be applied (in Python, save tensor.resolve_${pending}())`,
    )
  }
  const shape = wholeNumbers(size)
  const strides = wholeNumbers(stride)
  const [start] = wholeNumbers([offset ?? null]) ?? []
  if (storage instanceof TorchStorage && shape && strides && start !== undefined) {
    return new TorchTensor(storage, start, shape, strides)
  }
  throw invalidWeights(
    `a storage, an offset, sizes and strides for a tensor in the pickle but received ${describePickled(storage)}, ` +
      `${describePickled(offset)}, ${describePickled(size)} and ${describePickled(stride)}`,
  )
})

const rebuildParameter = new PickleGlobal('torch parameter', ([tensor]) => {
  if (tensor instanceof TorchTensor) return tensor
  throw invalidWeights(`a tensor for a parameter in the pickle but received ${describePickled(tensor)}`)
})

/** A dict that keeps its order, as all of ours do; older Pythons give its items as a list of pairs. */
const orderedDict = new PickleGlobal('collections.OrderedDict', ([items]) => {
  const pairs = items === undefined ? [] : items
  if (Array.isArray(pairs) && pairs.every((pair): pair is PickleValue[] => Array.isArray(pair) && pair.length === 2)) {
    return new Map(pairs.map(([key, value]): [PickleValue, PickleValue] => [key as PickleValue, value as PickleValue]))
  }
  throw invalidWeights(`pairs for an OrderedDict in the pickle but received ${describePickled(items)}`)
})

const TORCH_GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map<string, PickleGlobal>([
  ...NUMPY_GLOBALS,
  ...INERT_GLOBALS,
  ...Object.keys(STORAGES).map((name): [string, PickleGlobal] => [`torch.${name}`, new PickleGlobal(name)]),
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch.Size', new PickleGlobal('torch.Size', ([sizes]) => sizes ?? [])],
  ['collections.OrderedDict', orderedDict],
])

/**
 * What the pickle of a PyTorch checkpoint may name. Its persistent ids are ('storage', class, key, device, element count,
 * view), where a view, of the oldest files only, is a part of another storage.
 */
export const TORCH_RULES: PickleRules = {
  globals: TORCH_GLOBALS,
  persistent: (id) => {
    const [kind, type, key, , count, view] = Array.isArray(id) ? id : []
    const dtype = type instanceof PickleGlobal && Object.hasOwn(STORAGES, type.title) ? STORAGES[type.title] : undefined
    const [elements] = wholeNumbers([count ?? null]) ?? []
    if (kind === 'storage' && dtype && typeof key === 'string' && elements !== undefined && (view ?? null) === null) {
      return new TorchStorage(dtype, key, elements)
    }
    throw invalidWeights(`the persistent id of a torch storage in the pickle but received ${describePickled(id)}`)
  },
}
