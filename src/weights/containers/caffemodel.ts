import { WireType } from '@bufbuild/protobuf/wire'
import { describe, messageOf, VertebraError } from '../../errors.ts'
import { ItemBudget, MessageReader } from '../../onnx/wire.ts'
import {
  checkByteCount,
  type ElementType,
  invalidWeights,
  isCounts,
  LONGEST_NAME,
  MAX_RANK,
  type StoredTensor,
  tensorLabel,
  type WeightFile,
} from '../stored-tensor.ts'

// Field numbers are those of BVLC/caffe, src/caffe/proto/caffe.proto.

const NET_LAYERS_V1 = 2
const NET_LAYER = 100
/** The fields for the name and the blobs of a layer, in today's form and in the one before 2014. */
const LAYER = { name: 1, blobs: 7 } as const
const LAYER_V1 = { name: 4, blobs: 6 } as const
/** A batch norm has three, a recurrent layer five. */
const MOST_BLOBS = 16
const BLOB_DATA = 5
const BLOB_SHAPE = 7
const BLOB_DOUBLE_DATA = 8

/**
 * Reads a `.caffemodel`: the blobs of each layer as `<layer>.<index>`, where 0 is the kernel and 1 the bias (of a
 * BatchNorm: mean, variance and the factor both are divided by). Blobs of Caffe's first years have four sizes, of which
 * leading ones of 1 mean nothing: a bias is [1, 1, 1, n], and stays so here.
 *
 * @throws VertebraError `WEIGHTS_INVALID`
 */
export function readCaffemodel(bytes: Uint8Array): WeightFile {
  const tensors = new Map<string, StoredTensor>()
  try {
    const net = new MessageReader(bytes, new ItemBudget())
    for (const field of net.fields()) {
      if (field === NET_LAYER) readLayer(net.message(), LAYER, tensors)
      else if (field === NET_LAYERS_V1) readLayer(net.message(), LAYER_V1, tensors)
    }
  } catch (cause) {
    if (cause instanceof VertebraError && cause.code === 'WEIGHTS_INVALID') throw cause
    throw invalidWeights(`the bytes of a .caffemodel but they break off or are damaged: ${messageOf(cause)}`, cause)
  }
  if (tensors.size === 0) throw invalidWeights('a .caffemodel with layers that have weights but there are none')
  return { container: '.caffemodel', tensors, metadata: {} }
}

function readLayer(
  reader: MessageReader,
  fields: typeof LAYER | typeof LAYER_V1,
  into: Map<string, StoredTensor>,
): void {
  let layer = ''
  const blobs: MessageReader[] = []
  for (const field of reader.fields()) {
    if (field === fields.name) layer = reader.string()
    else if (field === fields.blobs) blobs.push(reader.message())
  }
  // Each blob has a copy of the name.
  if (layer.length > LONGEST_NAME) {
    throw invalidWeights(
      `names of at most ${LONGEST_NAME} characters in the .caffemodel but received ${describe(layer)}`,
    )
  }
  if (blobs.length > MOST_BLOBS) {
    throw invalidWeights(`at most ${MOST_BLOBS} blobs in layer ${describe(layer)} but received ${blobs.length}`)
  }
  for (const [index, blob] of blobs.entries()) {
    const name = `${layer}.${index}`
    if (into.has(name)) throw invalidWeights(`each layer once in the .caffemodel but ${describe(layer)} is there twice`)
    into.set(name, readBlob(blob, tensorLabel(name)))
  }
}

function readBlob(reader: MessageReader, label: string): StoredTensor {
  const sizes = new Map<number, number>()
  let shape: number[] | undefined
  const data: { dtype: ElementType; bytes: Uint8Array }[] = []
  for (const field of reader.fields()) {
    if (field >= 1 && field <= 4) sizes.set(field, reader.int())
    else if (field === BLOB_SHAPE) shape = readShape(reader.message())
    else if (field === BLOB_DATA) data.push({ dtype: 'F32', bytes: reader.packed(WireType.Bit32) })
    else if (field === BLOB_DOUBLE_DATA) data.push({ dtype: 'F64', bytes: reader.packed(WireType.Bit64) })
  }
  const dims = shape ?? [1, 2, 3, 4].map((axis) => sizes.get(axis) ?? 1)
  const [only] = data
  if (!only || data.length > 1) throw invalidWeights(`one run of elements for ${label} but received ${data.length}`)
  if (!isCounts(dims) || dims.length > MAX_RANK) throw invalidWeights(`whole numbers from 0 as the shape of ${label}`)
  checkByteCount(label, only.dtype, dims, only.bytes.length)
  return { ...only, shape: dims }
}

function readShape(reader: MessageReader): number[] {
  const dims: number[] = []
  for (const field of reader.fields()) if (field === 1) reader.intsInto(dims)
  return dims
}
