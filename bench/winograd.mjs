// The networks of shipped models in float32 as they are and with their 3x3 convolutions in Winograd's form, in turns: in ONNX Runtime's
// WebAssembly (run by Node, on two threads) or in ONNX Runtime for Node.
//   node bench/winograd.mjs [--models resnet101-voc,vgg16-voc] [--runtime wasm|node] [--rounds 15] [--size 352x512]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { decodeModel, dequantizeWeights, encodeModel, joinModels, winogradConvolutions } from 'vertebra/onnx'
import { machine, median, modelFolder, row } from './report.mjs'

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet101-voc,vgg16-voc' },
    runtime: { type: 'string', default: 'wasm' },
    rounds: { type: 'string', default: '15' },
    size: { type: 'string', default: '352x512' },
  },
})
const isWasm = values.runtime === 'wasm'
const { default: ort } = isWasm ? { default: await import('onnxruntime-web') } : await import('onnxruntime-node')
if (isWasm) ort.env.wasm.numThreads = 2
const options = { executionProviders: [isWasm ? 'wasm' : 'cpu'], logSeverityLevel: 4 }
const [height, width] = values.size.split('x').map(Number)
const dims = [1, 3, height, width]
const image = new ort.Tensor(
  'float32',
  Float32Array.from({ length: 3 * height * width }, (_, i) => (i % 255) / 255),
  dims,
)

/** Backbone and RPN; where memory is scarce, in WebAssembly, weights stay int8. */
function network(model) {
  const folder = modelFolder(model)
  const read = (graph) => decodeModel(readFileSync(join(folder, `${graph}.onnx`)))
  const rpn = read('rpn')
  const joined = joinModels(read('backbone'), rpn, { outputs: rpn.graph.outputs.map(({ name }) => name) })
  return isWasm ? joined : dequantizeWeights(joined)
}

console.log(machine())
for (const model of values.models.split(',')) {
  const plain = network(model)
  const forms = {
    'as they are': plain,
    'in Winograd form': winogradConvolutions(plain),
  }
  const times = {}
  const sessions = {}
  for (const [name, form] of Object.entries(forms)) {
    sessions[name] = await ort.InferenceSession.create(encodeModel(form), options)
    times[name] = []
  }
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const [name, session] of Object.entries(sessions)) {
      const began = performance.now()
      await session.run({ [session.inputNames[0]]: image })
      if (round > 0) times[name].push(performance.now() - began)
    }
  }
  const base = times['as they are']
  for (const [name, all] of Object.entries(times)) {
    const ratio = median(base.map((ms, i) => ms / all[i]))
    console.log(row(`${model}, ${name}`, `${median(all).toFixed(0)} ms`, `${ratio.toFixed(2)} times as fast`))
    await sessions[name].release()
  }
}
// The threads of WebAssembly would keep the process.
process.exit()
