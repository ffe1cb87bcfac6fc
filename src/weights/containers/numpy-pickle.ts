import { checkByteCount, invalidWeights, type StoredTensor } from '../stored-tensor.ts'
import { contiguousStrides, type stridedReader } from '../strided.ts'
import { type NumpyType, numpyType } from './numpy-dtype.ts'
import { describePickled, PickleGlobal, PickleObject, type PickleValue, wholeNumbers } from './pickle-values.ts'

/** `numpy.dtype`: the call gives the kind, the state the byte order. */
class NumpyDtype extends PickleObject {
  readonly title = 'a numpy.dtype'
  readonly #text: string
  #order = '='

  constructor(text: string) {
    super()
    this.#text = text
  }

  override setState(state: PickleValue): boolean {
    const order = Array.isArray(state) ? state[1] : undefined
    if (typeof order === 'string') this.#order = order
    return typeof order === 'string'
  }

  type(): NumpyType {
    return numpyType(`${this.#order}${this.#text.replace(/^[<>=|]/, '')}`)
  }
}

interface ArrayContent {
  readonly type: NumpyType
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly bytes: Uint8Array
}

/** `numpy.ndarray`, which is empty until its state comes. */
export class NumpyArray extends PickleObject {
  readonly title = 'a numpy.ndarray'
  #content: ArrayContent | undefined

  constructor(content?: ArrayContent) {
    super()
    this.#content = content
  }

  /** The state is (version, shape, dtype, is column-major, elements); arrays of Python objects have a list as elements. */
  override setState(state: PickleValue): boolean {
    if (!Array.isArray(state) || state.length !== 5) return false
    const [, dims, dtype, isColumnMajor, elements] = state
    this.#content = arrayContent(dims, dtype, isColumnMajor === true ? 'column-major' : 'row-major', elements)
    return this.#content !== undefined
  }

  /** Its elements in row-major order and little-endian. */
  read(label: string, strided: ReturnType<typeof stridedReader>): StoredTensor {
    if (!this.#content) throw invalidWeights(`content for ${label} but the pickle gives none`)
    const { type, shape, strides, bytes } = this.#content
    checkByteCount(label, type.dtype, shape, bytes.length)
    return strided(label, bytes, { ...type, offset: 0, shape, strides })
  }
}

function arrayContent(
  dims: PickleValue | undefined,
  dtype: PickleValue | undefined,
  order: 'row-major' | 'column-major',
  data: PickleValue | undefined,
): ArrayContent | undefined {
  const shape = wholeNumbers(dims)
  const bytes = typeof data === 'string' ? bytesOfLatin1(data) : data
  if (!shape || !(dtype instanceof NumpyDtype) || !(bytes instanceof Uint8Array)) return undefined
  return { type: dtype.type(), shape, strides: contiguousStrides(shape, order), bytes }
}

const reconstruct = new PickleGlobal('numpy _reconstruct', () => new NumpyArray())

/**
 * What protocol 5 writes instead: (elements, dtype, shape, order). Order K, of NumPy 2.3 and later, has a list of axes:
 * axis i of the array is axis `axes[i]` of the row-major elements.
 */
const fromBuffer = new PickleGlobal('numpy _frombuffer', ([data, dtype, dims, order, axes]) => {
  const content = arrayContent(dims, dtype, order === 'F' ? 'column-major' : 'row-major', data)
  if (!content) throw invalidWeights(`elements, a dtype and a shape for an array but received ${describePickled(data)}`)
  if (order !== 'K' || axes === undefined || axes === null) return new NumpyArray(content)
  const permutation = wholeNumbers(axes) ?? []
  const isPermutation = [...permutation].sort((a, b) => a - b).every((axis, i) => axis === i)
  if (!isPermutation || permutation.length !== content.shape.length) {
    throw invalidWeights(`an order of axes for an array of [${content.shape}] but received ${describePickled(axes)}`)
  }
  const along = (sizes: readonly number[]): number[] => permutation.map((axis) => sizes[axis] as number)
  return new NumpyArray({ ...content, shape: along(content.shape), strides: along(content.strides) })
})

/** A number with an element type: its value where it is a float or an integer of up to 4 bytes, else nothing. */
const scalar = new PickleGlobal('numpy scalar', ([dtype, data]) => {
  const bytes = typeof data === 'string' ? bytesOfLatin1(data) : data
  if (!(dtype instanceof NumpyDtype) || !(bytes instanceof Uint8Array)) return null
  const { dtype: type, isBigEndian } = dtype.type()
  checkByteCount('a numpy scalar', type, [], bytes.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (type === 'F64') return view.getFloat64(0, !isBigEndian)
  if (type === 'F32') return view.getFloat32(0, !isBigEndian)
  return type === 'I32' ? view.getInt32(0, !isBigEndian) : null
})

const dtype = new PickleGlobal('numpy.dtype', ([text]) => {
  if (typeof text === 'string') return new NumpyDtype(text)
  throw invalidWeights(`a text for numpy.dtype in the pickle but received ${describePickled(text)}`)
})

/** Python 3 writes bytes for protocol 2 as text that is encoded again. */
const encode = new PickleGlobal('_codecs.encode', ([text, encoding]) => {
  if (typeof text === 'string' && (encoding === 'latin1' || encoding === 'latin-1')) return bytesOfLatin1(text)
  throw invalidWeights(`a text and latin1 for _codecs.encode in the pickle but received ${describePickled(encoding)}`)
})

/** How Python 3 writes bytes of length 0 for protocol 2. */
const noBytes = new PickleGlobal('bytes', (args) => {
  if (args.length === 0) return new Uint8Array(0)
  throw invalidWeights('no content for a call of bytes in the pickle')
})

/** What a pickle of NumPy arrays may name, under NumPy's names before and since version 2. */
export const NUMPY_GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map([
  ['numpy.ndarray', new PickleGlobal('numpy.ndarray')],
  ['numpy.dtype', dtype],
  ['_codecs.encode', encode],
  ['__builtin__.bytes', noBytes],
  ...['numpy.core', 'numpy._core'].flatMap((core): [string, PickleGlobal][] => [
    [`${core}.multiarray._reconstruct`, reconstruct],
    [`${core}.multiarray.scalar`, scalar],
    [`${core}.numeric._frombuffer`, fromBuffer],
  ]),
])

function bytesOfLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 255) throw invalidWeights('latin-1 text for bytes in the pickle')
    bytes[i] = code
  }
  return bytes
}
