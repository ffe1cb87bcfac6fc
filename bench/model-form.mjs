// A model folder with something changed, for measuring: graphs that stay the same are linked.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeModel, dequantizeWeights, encodeModel, tensorFrom } from 'vertebra/onnx'
import { modelFolder } from './report.mjs'

/**
 * @param model name of a shipped model, or a folder
 * @param target folder that is made
 * @param change from the manifest and a function that reads a graph to the new manifest, or to that and new graphs by name
 */
export function modelForm(model, target, change = (manifest) => manifest) {
  const source = modelFolder(model)
  const manifest = JSON.parse(readFileSync(join(source, 'model.json'), 'utf8'))
  const read = (graph) => decodeModel(readFileSync(join(source, manifest.graphs[graph].file)))
  const { graphs: made = {}, ...changed } = change({ ...manifest, graphs: {} }, read)
  mkdirSync(target, { recursive: true })
  const graphs = { ...manifest.graphs }
  for (const [name, entry] of Object.entries(manifest.graphs)) {
    const path = join(target, entry.file)
    if (!made[name]) symlinkSync(join(source, entry.file), path)
    else {
      const content = encodeModel(made[name])
      writeFileSync(path, content)
      const sha256 = createHash('sha256').update(content).digest('hex')
      graphs[name] = { file: entry.file, bytes: content.byteLength, sha256, precision: 'float32' }
    }
  }
  writeFileSync(join(target, 'model.json'), JSON.stringify({ ...changed, graphs }))
  return target
}

/** More classes: the further ones are copies of the first, so unlikely that they change no detection, as in a large vocabulary. */
export const withClasses = (count) => (manifest, read) => {
  const known = manifest.labels.length
  const head = dequantizeWeights(read('roiHead'))
  const { initializers, outputs } = head.graph
  const next = new Map(initializers)
  const sourceOf = (k) => (k <= known ? k : 1 + ((k - 1) % known))
  const perClassOf = manifest.head.classAgnostic ? { 'head.scores': 1 } : { 'head.scores': 1, 'head.deltas': 4 }
  for (const [layer, perClass] of Object.entries(perClassOf)) {
    for (const part of ['weight', 'bias']) {
      const { dims, bytes } = initializers.get(`${layer}.${part}`)
      const numbers = new Float32Array(bytes.slice().buffer)
      const row = perClass * (dims[1] ?? 1)
      const grown = new Float32Array((count + 1) * row)
      for (let k = 0; k <= count; k++) {
        grown.set(numbers.subarray(sourceOf(k) * row, (sourceOf(k) + 1) * row), k * row)
        if (k > known && layer === 'head.scores' && part === 'bias') grown[k] -= UNLIKELY
      }
      next.set(`${layer}.${part}`, tensorFrom(grown, [(count + 1) * perClass, ...dims.slice(1)]))
    }
  }
  const columns = { class_logits: count + 1, box_deltas: manifest.head.classAgnostic ? 4 : 4 * (count + 1) }
  const labels = Array.from({ length: count }, (_, k) => ({ name: `class ${k + 1}`, categoryId: k + 1 }))
  const graph = {
    ...head.graph,
    initializers: next,
    outputs: outputs.map((output) => ({ ...output, dims: [output.dims[0], columns[output.name]] })),
  }
  return { ...manifest, labels, graphs: { roiHead: { ...head, graph } } }
}

/** Taken off the logits of the further classes. */
const UNLIKELY = 12
