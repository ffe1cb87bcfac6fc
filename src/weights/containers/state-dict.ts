import { describe } from '../../errors.ts'
import { invalidWeights, type StoredTensor, tensorLabel, type WeightFile } from '../stored-tensor.ts'
import { stridedReader } from '../strided.ts'
import { InertObject } from './inert-pickle.ts'
import { NumpyArray } from './numpy-pickle.ts'
import { describePickled, type PickleDict, type PickleValue } from './pickle-values.ts'
import { type TorchStorage, TorchTensor } from './torch-pickle.ts'

type PickledTensor = TorchTensor | NumpyArray

/** Where trainers put a model's weights among their other things, best first. */
export const WRAPPERS: readonly string[] = [
  'state_dict',
  'model_state_dict',
  'model',
  'blobs',
  'network',
  'net',
  'weights',
  'params',
  'model_ema',
]
/** What data-parallel and compiled modules put before every name. */
const PREFIXES = ['module.', '_orig_mod.']
const MAX_DEPTH = 4

/**
 * The tensors of a checkpoint by name, found in whatever its trainer wrapped them in.
 *
 * @param storageBytes the memory of a PyTorch storage
 * @param maxCopiedBytes what transposed tensors may take: see {@link stridedReader}
 * @throws VertebraError `WEIGHTS_INVALID` that lists what the checkpoint has instead of a model's tensors
 */
export function readStateDict(
  container: string,
  root: PickleValue,
  storageBytes: (storage: TorchStorage) => Uint8Array,
  maxCopiedBytes: number,
): WeightFile {
  if (!(root instanceof Map)) {
    throw invalidWeights(`a dict of tensors in the ${container} but received ${describePickled(root)}`)
  }
  const named = namedTensors(root, 0, new Set())
  if (!named) throw withoutModel(container, root)
  const strided = stridedReader(maxCopiedBytes)
  const tensors = new Map<string, StoredTensor>()
  for (const [name, tensor] of stripPrefixes(named)) {
    const label = tensorLabel(name)
    const isNumpy = tensor instanceof NumpyArray
    tensors.set(name, isNumpy ? tensor.read(label, strided) : tensor.read(label, storageBytes, strided))
  }
  return { container, tensors, metadata: stated(root), labels: classNames(root) }
}

/**
 * Beside a wrapped model may lie tensors that are none of its own: the best accuracy, in PyTorch's ImageNet example.
 * @param seen the dicts that were looked through, or are: one may contain itself.
 */
function namedTensors(dict: PickleDict, depth: number, seen: Set<PickleDict>): Map<string, PickledTensor> | undefined {
  if (seen.has(dict)) return undefined
  seen.add(dict)
  for (const wrapper of depth < MAX_DEPTH ? WRAPPERS : []) {
    const inner = dict.get(wrapper)
    const found = inner instanceof Map && namedTensors(inner, depth + 1, seen)
    if (found) return found
  }
  const named = new Map<string, PickledTensor>()
  for (const [key, value] of dict) if (typeof key === 'string' && isTensor(value)) named.set(key, value)
  if (named.size === 0) return undefined
  refuseInert(dict)
  return named
}

/** Among tensors it would be one that went missing without a word. */
function refuseInert(dict: PickleDict): void {
  for (const [key, value] of dict) {
    if (!(value instanceof InertObject)) continue
    throw invalidWeights(
      `tensors by name in the pickle but ${describePickled(key)} among them is ${value.title} (in Python, save only the state_dict)`,
    )
  }
}

function isTensor(value: PickleValue): value is PickledTensor {
  return value instanceof TorchTensor || value instanceof NumpyArray
}

function withoutModel(container: string, root: PickleDict): Error {
  const keys = [...root.keys()].map(describePickled)
  const some = `${keys.slice(0, 8).join(', ')}${keys.length > 8 ? ', …' : ''}`
  const isOptimizer = root.has('param_groups') || root.has('optimizer') || root.has('optimizer_state_dict')
  const found = isOptimizer ? 'only the state of an optimizer' : 'no tensors'
  return invalidWeights(
    `a model's tensors in the ${container}, by name or under ${WRAPPERS.slice(0, 4).map(describe).join(', ')}, but it holds ${found} (its keys: ${some || 'none'})`,
  )
}

function stripPrefixes(named: Map<string, PickledTensor>): Map<string, PickledTensor> {
  const names = [...named.keys()]
  const prefixAt = (start: number): string =>
    PREFIXES.find((prefix) => names.every((name) => name.startsWith(prefix, start))) ?? ''
  let length = 0
  for (let prefix = prefixAt(0); prefix !== ''; prefix = prefixAt(length)) length += prefix.length
  return new Map([...named].map(([name, tensor]) => [name.slice(length), tensor]))
}

/** MMDetection's `meta.CLASSES` (version 2) or `meta.dataset_meta.classes` (version 3). */
function classNames(root: PickleDict): string[] | undefined {
  const meta = root.get('meta')
  if (!(meta instanceof Map)) return undefined
  const dataset = meta.get('dataset_meta')
  const isDict = dataset instanceof Map
  const names = (isDict ? (dataset.get('classes') ?? dataset.get('CLASSES')) : undefined) ?? meta.get('CLASSES')
  const isNames = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')
  return isNames ? (names as string[]) : undefined
}

/**
 * What a trainer says of the network beside its tensors: MMDetection's configuration, a Python source, as `config` (`meta.config` in
 * version 2, `meta.cfg` in version 3), and faster-rcnn.pytorch's `pooling_mode`.
 */
function stated(root: PickleDict): Record<string, string> {
  const meta = root.get('meta')
  const config = meta instanceof Map ? (meta.get('cfg') ?? meta.get('config')) : undefined
  const pooling = root.get('pooling_mode')
  return {
    ...(typeof config === 'string' && { config }),
    ...(typeof pooling === 'string' && { pooling_mode: pooling }),
  }
}
