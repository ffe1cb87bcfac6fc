import { readFileSync } from 'node:fs'
import {
  type BackboneDescription,
  buildBackbone,
  buildClassifier,
  buildRoiHead,
  buildRpn,
  type ResidualDescription,
  type RoiHeadDescription,
  type RpnDescription,
} from '../../src/architectures/index.ts'
import type { Model } from '../../src/onnx/index.ts'
import { readSafetensors } from '../../src/weights/containers/safetensors.ts'
import type { StoredTensor, WeightFile } from '../../src/weights/stored-tensor.ts'
import { storedWeights } from '../../src/weights/stored-weights.ts'
import type { Weights } from '../../src/weights/weights.ts'
import type { Feed } from './run-model.ts'

const FOLDER = new URL('../fixtures/architectures/', import.meta.url)

export type Network =
  | { readonly graph: 'backbone'; readonly description: BackboneDescription }
  | { readonly graph: 'classifier'; readonly description: ResidualDescription & { readonly classes: number } }
  | { readonly graph: 'rpn'; readonly description: RpnDescription }
  | { readonly graph: 'roi-head'; readonly description: RoiHeadDescription }

/** What PyTorch gave: the shape, the largest absolute value, and values at flat index i * size // values.length. */
export interface Expected {
  readonly shape: readonly number[]
  readonly largest: number
  readonly values: Float32Array
}

/** One small network that test/reference/architectures.py stored. */
export interface Fixture {
  readonly network: Network
  readonly weights: Weights
  readonly feeds: Record<string, Feed>
  readonly outputs: Record<string, Expected>
}

export function readFixture(name: string): Fixture {
  const { tensors, metadata } = read(name)
  const network: Network & { shapes: Record<string, number[]> } = JSON.parse(metadata.network ?? '{}')
  const isImage = network.graph === 'backbone' || network.graph === 'classifier'
  const outputs = Object.entries(network.shapes).map(([key, shape]): [string, Expected] => {
    const largest = floats(tensors, `largest.${key}`).data[0] ?? 0
    return [key, { shape, largest, values: floats(tensors, `output.${key}`).data }]
  })
  const isWeight = (key: string): boolean => !/^(input|output|largest)\./.test(key)
  return {
    network,
    weights: storedWeights(new Map([...tensors].filter(([key]) => isWeight(key)))),
    feeds: isImage ? { image: readImage() } : readInputs(tensors),
    outputs: Object.fromEntries(outputs),
  }
}

export function buildNetwork({ graph, description }: Network, weights: Weights): Model {
  switch (graph) {
    case 'backbone':
      return buildBackbone(description, weights)
    case 'classifier':
      return buildClassifier(description, weights, description.classes)
    case 'rpn':
      return buildRpn(description, weights)
    case 'roi-head':
      return buildRoiHead(description, weights)
  }
}

/** The fixture's backbone; throws when it is of another kind. */
export function backboneOf({ network }: Fixture): BackboneDescription {
  if (network.graph !== 'backbone') throw new Error(`not a backbone but ${network.graph}`)
  return network.description
}

/** The largest difference as a share of the largest value of the whole output. */
export function relativeError(data: Float32Array, { values, largest }: Expected): number {
  let worst = 0
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor((i * data.length) / values.length)
    worst = Math.max(worst, Math.abs((data[at] ?? Number.NaN) - (values[i] ?? Number.NaN)))
  }
  return worst / largest
}

function readInputs(tensors: ReadonlyMap<string, StoredTensor>): Record<string, Feed> {
  const feeds: Record<string, Feed> = {}
  for (const key of tensors.keys()) {
    if (!key.startsWith('input.')) continue
    const { data, dims } = floats(tensors, key)
    const name = key.slice('input.'.length)
    feeds[name] = name.startsWith('batch_') ? { data: BigInt64Array.from([...data].map(BigInt)), dims } : { data, dims }
  }
  return feeds
}

/** Two pictures of 93 x 67, scaled to -1 … 1. */
function readImage(): Feed {
  const { data, dims } = floats(read('image').tensors, 'image')
  return { data: data.map((value) => value / 127.5 - 1), dims }
}

function floats(
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
): { data: Float32Array; dims: readonly number[] } {
  const dims = tensors.get(name)?.shape ?? []
  return { data: storedWeights(tensors).tensor(name, dims), dims }
}

function read(name: string): WeightFile {
  return readSafetensors(readFileSync(new URL(`${name}.safetensors`, FOLDER)))
}
