// A ResNet-101 in transformers.js: our backbone graph under the names that it expects, as its own weights would have to be
// downloaded. node transformers.mjs FOLDER THREADS NPM, where NPM is a folder with the package installed. See peer.py.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { decodeModel, encodeModel, pruneModel } from 'vertebra/onnx'
import { folder, networkInput, serve, threads } from './peer.mjs'

/** What transformers.js calls the input and the output. */
const NAMES = new Map([
  ['image', 'pixel_values'],
  ['c5', 'last_hidden_state'],
])

function writeModelFolder(target) {
  const backbone = pruneModel(decodeModel(readFileSync(join(folder, 'vertebra-fp32/backbone.onnx'))), ['c5'])
  const renamed = (name) => NAMES.get(name) ?? name
  const rename = (values) => values.map((value) => ({ ...value, name: renamed(value.name) }))
  const { graph } = backbone
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
  }))
  const named = {
    ...backbone,
    graph: { ...graph, nodes, inputs: rename(graph.inputs), outputs: rename(graph.outputs) },
  }
  mkdirSync(join(target, 'onnx'), { recursive: true })
  writeFileSync(join(target, 'onnx/model.onnx'), encodeModel(named))
  writeFileSync(join(target, 'config.json'), JSON.stringify({ model_type: 'resnet', architectures: ['ResNetModel'] }))
}

const entry = createRequire(join(process.argv[4], 'package.json')).resolve('@huggingface/transformers')
const { AutoModel, Tensor, env } = await import(pathToFileURL(entry))
env.allowRemoteModels = false
env.localModelPath = folder
writeModelFolder(join(folder, 'transformers'))
const model = await AutoModel.from_pretrained('transformers', {
  dtype: 'fp32',
  device: 'cpu',
  session_options: { intraOpNumThreads: threads },
})
const { dims, data } = networkInput()
const input = new Tensor('float32', data, dims)

await serve('our backbone graph, transformers.js', `transformers.js ${env.version}`, [input], async (pixel_values) => {
  const outputs = await model({ pixel_values })
  return { found: Object.keys(outputs).length }
})
