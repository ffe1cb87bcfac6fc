import { describe } from '../../errors.ts'
import { invalidWeights, type StoredTensor, type WeightFile } from '../stored-tensor.ts'
import { readCaffemodel } from './caffemodel.ts'
import { readDetectron2Pickle } from './detectron2-pickle.ts'
import { HDF5_SIGNATURE, readHdf5 } from './hdf5.ts'
import { isNpy, isNpz, readNpy, readNpz } from './numpy.ts'
import { onnxPartNames, readOnnxInitializers } from './onnx-initializers.ts'
import { readSafetensors } from './safetensors.ts'
import { joinShards, readShardIndex } from './shards.ts'
import { isTorchLegacy, readTorchLegacy } from './torch-legacy.ts'
import { readTorchZip, torchPicklePath } from './torch-zip.ts'
import { readZip } from './zip.ts'

/**
 * Reads a file of weights, whatever it is: safetensors, PyTorch (zip or older), pickles of NumPy arrays (Detectron2,
 * Caffe2), `.npz`, `.npy`, `.caffemodel`, HDF5 as Keras writes it (`.h5`), the initialisers of an ONNX graph, also as external data, or the index of a model in
 * several files. The content decides, not the name. Nothing of a file is run, and tensors are views into `bytes` where they lie as they
 * should; keep it unchanged while they are in use.
 *
 * @param name of the file, for messages and for the one array of a `.npy`.
 * @param parts further files by name: those that {@link partNames} lists.
 * @throws VertebraError `WEIGHTS_INVALID` for a file that is damaged, of another kind, or names anything but data
 * @example
 * const { container, tensors } = readWeights(await readFile('resnet50-0676ba61.pth'), 'resnet50-0676ba61.pth')
 * console.log(container, tensors.get('conv1.weight')?.shape) // PyTorch file [64, 3, 7, 7]
 */
export function readWeights(
  bytes: Uint8Array,
  name: string,
  parts: ReadonlyMap<string, Uint8Array> = new Map(),
): WeightFile {
  // Parts of a Buffer are Buffers, whose slice() does not copy.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!isIndex(plain)) return readOne(plain, name, parts)
  const index = readShardIndex(plain)
  const shards = [...new Set(index.files.values())].map((file): [string, WeightFile] => {
    const content = parts.get(file)
    if (!content || isIndex(content)) throw invalidWeights(`the weights ${describe(file)} beside ${describe(name)}`)
    return [file, readOne(new Uint8Array(content.buffer, content.byteOffset, content.byteLength), file, new Map())]
  })
  return joinShards(index, new Map(shards))
}

/**
 * The names of the files that must lie beside this one: those of an index, an ONNX file's external data, else none.
 *
 * @throws VertebraError `WEIGHTS_INVALID` for an index that is damaged, or names that lead out of the folder
 * @example
 * const parts = new Map<string, Uint8Array>()
 * for (const name of partNames(bytes)) parts.set(name, await readFile(join(folder, name)))
 * const { tensors } = readWeights(bytes, 'model.safetensors.index.json', parts)
 */
export function partNames(bytes: Uint8Array): string[] {
  if (isOnnx(bytes)) return onnxPartNames(bytes)
  return isIndex(bytes) ? [...new Set(readShardIndex(bytes).files.values())] : []
}

/** JSON, where the eight bytes of a safetensors file's length would be. */
function isIndex(bytes: Uint8Array): boolean {
  return /^\s*\{\s*"/.test(start(bytes)) && bytes[8] !== 0x7b
}

/** The first field of an ONNX file is its version; that of a safetensors file may be the same byte. */
export function isOnnx(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes[8] !== 0x7b
}

function readOne(bytes: Uint8Array, name: string, parts: ReadonlyMap<string, Uint8Array>): WeightFile {
  const [first, second] = bytes
  const head = start(bytes)
  if (isNpy(bytes)) return singleArray(readNpy(bytes, stem(name)), name)
  // Its first eight bytes are a length, which may begin as another format does.
  if (bytes[8] === 0x7b) return readSafetensors(bytes)
  if (head.startsWith('PK')) return readArchive(bytes)
  if (head.startsWith(HDF5_SIGNATURE)) return readHdf5(bytes)
  if (isTorchLegacy(bytes)) return readTorchLegacy(bytes)
  // Protocols 2 and later begin with their number; the two before with a mark, a dict or a class.
  if (first === 0x80 || /^(\(d|\}|ccollections)/.test(head)) return readDetectron2Pickle(bytes)
  if (isOnnx(bytes)) return readOnnxInitializers(bytes, parts)
  // The first field of a .caffemodel is its name or its layers.
  if (first === 0x0a || first === 0x12 || (first === 0xa2 && second === 0x06)) return readCaffemodel(bytes)
  throw invalidWeights(`a file of weights for ${describe(name)} but received ${unknownFile(head, bytes.length)}`)
}

function readArchive(bytes: Uint8Array): WeightFile {
  const files = readZip(bytes)
  const pickle = torchPicklePath(files)
  if (pickle !== undefined) return readTorchZip(files, pickle, bytes.length)
  if (isNpz(files)) return readNpz(files)
  const some = [...files.keys()].slice(0, 4).map(describe).join(', ')
  throw invalidWeights(`a zip of PyTorch (with a data.pkl) or of NumPy (.npy) but it holds ${some || 'nothing'}`)
}

function singleArray(tensor: StoredTensor, name: string): WeightFile {
  return { container: '.npy file', tensors: new Map([[stem(name), tensor]]), metadata: {} }
}

/** `weights` for `folder/weights.npy`. */
function stem(name: string): string {
  return name.replace(/^.*[/\\]/, '').replace(/\.npy$/i, '')
}

/** What people most often have instead. */
function unknownFile(head: string, length: number): string {
  if (length === 0) return 'an empty file'
  if (/^\s*<(!doctype|html)/i.test(head)) return 'a web page (the download failed)'
  if (head.startsWith('version https://git-lfs')) return 'a Git LFS pointer (run git lfs pull)'
  return `${length} bytes of another format`
}

function start(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 32))
}
