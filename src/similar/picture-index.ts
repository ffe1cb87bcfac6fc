import { describe, VertebraError } from '../errors.ts'
import { readSafetensors } from '../weights/containers/safetensors.ts'
import { toFloat32 } from '../weights/elements.ts'

/** What made the vectors of an index. Vectors of two sources cannot be compared. */
export interface VectorSource {
  /** Name of the model. */
  readonly model: string
  /** SHA-256 of the graphs that the vectors come from. */
  readonly graphs: string
  /** The level of the backbone whose mean they are. */
  readonly level: string
  /** How pictures became the network's input, as the model's manifest says it. */
  readonly input: string
}

/** A picture that has its vector. `size` in bytes and `modified` in milliseconds since 1970 say which state of its file. */
export interface IndexedPicture {
  readonly name: string
  readonly size: number
  readonly modified: number
  readonly vector: Float32Array
}

/** The vectors of pictures, and what made them. */
export interface PictureIndex {
  readonly source: VectorSource
  readonly pictures: readonly IndexedPicture[]
}

const FORMAT = 'vertebra-index'
const VERSION = '1'
const TENSOR = 'embeddings'
const SOURCE_FIELDS = ['model', 'graphs', 'level', 'input'] as const
/** Rows of one piece of a file: some MB. */
const PIECE_ROWS = 512

/**
 * An index as a file, piece by piece: a safetensors file of one float32 tensor `embeddings` [pictures, numbers of a vector],
 * with what made it and the pictures' names, sizes and times in its `__metadata__`.
 *
 * @example
 * await writeFile('photos.index', encodePictureIndex(index))
 */
export function* encodePictureIndex({ source, pictures }: PictureIndex): Generator<Uint8Array> {
  const dimensions = pictures[0]?.vector.length ?? 0
  const rows = pictures.map(({ name, size, modified }) => [name, size, modified])
  const header = JSON.stringify({
    __metadata__: { format: FORMAT, version: VERSION, ...source, pictures: JSON.stringify(rows) },
    [TENSOR]: { dtype: 'F32', shape: [rows.length, dimensions], data_offsets: [0, rows.length * dimensions * 4] },
  })
  const text = new TextEncoder().encode(header)
  // Spaces up to a multiple of 8, so that the numbers can be read in place.
  const head = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true)
  head.set(text, 8)
  yield head
  for (let start = 0; start < pictures.length; start += PIECE_ROWS) {
    const part = pictures.slice(start, start + PIECE_ROWS)
    const piece = new Float32Array(part.length * dimensions)
    for (const [i, { vector }] of part.entries()) piece.set(vector, i * dimensions)
    yield new Uint8Array(piece.buffer)
  }
}

/**
 * Reads what {@link encodePictureIndex} wrote; the vectors are views into `bytes`.
 *
 * @param origin where the bytes come from, for messages
 * @throws VertebraError `DATA_INVALID` for anything else
 */
export function decodePictureIndex(bytes: Uint8Array, origin: string): PictureIndex {
  const { metadata, tensors } = safetensorsOf(bytes, origin)
  const { format, version, pictures } = metadata
  if (format !== FORMAT || version !== VERSION || pictures === undefined) {
    throw invalid(origin, `its format is ${describe(format)}, version ${describe(version)}`)
  }
  const [model = '', graphs = '', level = '', input = ''] = SOURCE_FIELDS.map((field) => metadata[field])
  const rows = picturesOf(pictures, origin)
  const tensor = tensors.get(TENSOR)
  const [count, dimensions = 0] = tensor?.shape ?? []
  if (tensor?.dtype !== 'F32' || tensor.shape.length !== 2 || count !== rows.length) {
    throw invalid(origin, `it has no tensor "${TENSOR}" with one row for each of its ${rows.length} pictures`)
  }
  const values = toFloat32(tensor)
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw invalid(origin, `number ${i} of its vectors is ${values[i]}`)
  }
  return {
    source: { model, graphs, level, input },
    pictures: rows.map((row, i) => ({ ...row, vector: values.subarray(i * dimensions, (i + 1) * dimensions) })),
  }
}

function safetensorsOf(bytes: Uint8Array, origin: string): ReturnType<typeof readSafetensors> {
  try {
    return readSafetensors(bytes)
  } catch (error) {
    if (!(error instanceof VertebraError)) throw error
    throw invalid(origin, error.message, error)
  }
}

function picturesOf(json: string, origin: string): Omit<IndexedPicture, 'vector'>[] {
  let rows: unknown
  try {
    rows = JSON.parse(json)
  } catch (cause) {
    throw invalid(origin, `its list of pictures is no JSON: ${cause}`, cause)
  }
  if (!Array.isArray(rows)) throw invalid(origin, 'its list of pictures is none')
  const names = new Set<unknown>()
  return rows.map((row: unknown, i) => {
    const [name, size, modified]: unknown[] = Array.isArray(row) ? row : []
    if (typeof name !== 'string' || typeof size !== 'number' || typeof modified !== 'number' || names.has(name)) {
      throw invalid(origin, `picture ${i} of its list is not a name of its own with a size and a time`)
    }
    names.add(name)
    return { name, size, modified }
  })
}

function invalid(origin: string, found: string, cause?: unknown): VertebraError {
  const message = `Expected ${origin} to be an index that vertebra wrote but ${found}: delete it, and it is made anew.`
  return new VertebraError('DATA_INVALID', message, cause === undefined ? {} : { cause })
}
