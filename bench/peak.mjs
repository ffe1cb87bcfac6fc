// How near the network comes to what the machine can do: its multiply-adds a second against those of a plain float32 matrix
// product, and which operators the rest goes to, from ONNX Runtime's own profile.
//   node bench/peak.mjs [--model resnet101-voc] [--photo examples/photos/astronaut.jpg] [--rounds 10] [--threads 2]
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { decodeImage, inputTensor } from 'vertebra/images'
import { countOperations, decodeModel, dequantizeWeights, encodeModel, joinModels } from 'vertebra/onnx'
import { openProduct } from './product.mjs'
import { machine, median, modelFolder } from './report.mjs'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet101-voc' },
    photo: { type: 'string', default: 'examples/photos/astronaut.jpg' },
    rounds: { type: 'string', default: '10' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
})
const folder = modelFolder(values.model)
const manifest = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'))
const options = { executionProviders: ['cpu'], intraOpNumThreads: Number(values.threads), logSeverityLevel: 3 }

/** Runs that the profile is the mean of. */
const PROFILED = 4
/** Rows, columns and inner size: a large square, and the shapes of a 1x1 and a 3x3 convolution in the middle of the network. */
const PRODUCTS = [
  [2048, 2048, 2048],
  [3400, 1024, 256],
  [3400, 256, 2304],
]

/** Backbone, pyramid and RPN in one graph, as the detector runs them. */
async function openNetwork(profiled) {
  const read = (name) => dequantizeWeights(decodeModel(readFileSync(join(folder, manifest.graphs[name].file))))
  const rpn = read('rpn')
  const model = joinModels(read('backbone'), rpn, { outputs: rpn.graph.outputs.map(({ name }) => name) })
  const { data, dims } = inputTensor(manifest.input, [await decodeImage(values.photo)])
  const session = await InferenceSession.create(encodeModel(model), { ...options, ...profiled })
  const { multiplyAdds } = countOperations(model, { image: dims })
  const feeds = { image: new Tensor('float32', data, dims) }
  return { session, run: () => session.run(feeds), release: () => session.release(), multiplyAdds, dims }
}

const network = { times: [], ...(await openNetwork({})) }
const products = []
for (const sizes of PRODUCTS) products.push({ sizes, times: [], ...(await openProduct(sizes, options)) })
for (let round = -1; round < Number(values.rounds); round++) {
  for (const each of [network, ...products]) {
    const start = performance.now()
    await each.run()
    if (round >= 0) each.times.push(performance.now() - start)
  }
}
const rate = ({ multiplyAdds, times }) => (2 * multiplyAdds) / median(times) / 1e6
for (const { release } of [network, ...products]) await release()

console.log(`${machine()}, ${values.threads} threads, ${values.model}, input ${network.dims[3]} x ${network.dims[2]}\n`)
console.log('| | multiply-adds | ms | GFLOP/s | of the first |\n|---|---|---|---|---|')
const peak = rate(products[0])
const line = (name, each) => {
  const cells = [`${(each.multiplyAdds / 1e9).toFixed(2)} G`, median(each.times).toFixed(1), rate(each).toFixed(0)]
  console.log(`| ${[name, ...cells, `${((100 * rate(each)) / peak).toFixed(0)} %`].join(' | ')} |`)
}
for (const product of products) line(`matrix product ${product.sizes.join(' x ')}`, product)
line('network', network)
await printProfile()

/** Time by operator, and of convolutions by their kernel; the profile's own cost is in it, so only the shares count. */
async function printProfile() {
  const scratch = mkdtempSync(join(tmpdir(), 'peak-'))
  const { session, run, release } = await openNetwork({
    enableProfiling: true,
    profileFilePrefix: join(scratch, 'profile'),
  })
  for (let i = 0; i < PROFILED; i++) await run()
  session.endProfiling()
  await release()
  const events = readdirSync(scratch).flatMap((name) => JSON.parse(readFileSync(join(scratch, name), 'utf8')))
  rmSync(scratch, { recursive: true })
  const kinds = new Map()
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue
    const kind = kindOf(args)
    const sum = kinds.get(kind) ?? { ms: 0, multiplyAdds: 0 }
    kinds.set(kind, {
      ms: sum.ms + dur / 1000 / PROFILED,
      multiplyAdds: sum.multiplyAdds + multiplyAddsOf(args) / PROFILED,
    })
  }
  const total = [...kinds.values()].reduce((sum, { ms }) => sum + ms, 0)
  console.log('\n| operator | ms | share | GFLOP/s | of the first |\n|---|---|---|---|---|')
  for (const [kind, { ms, multiplyAdds }] of [...kinds].sort(([, a], [, b]) => b.ms - a.ms)) {
    const speed = (2 * multiplyAdds) / ms / 1e6
    const cells = multiplyAdds > 0 ? [speed.toFixed(0), `${((100 * speed) / peak).toFixed(0)} %`] : ['', '']
    console.log(`| ${[kind, ms.toFixed(1), `${((100 * ms) / total).toFixed(1)} %`, ...cells].join(' | ')} |`)
  }
}

function dimsOf(shape) {
  return shape ? Object.values(shape)[0] : []
}

function kindOf({ op_name: operator, input_type_shape: inputs }) {
  const weights = dimsOf(inputs?.[1])
  if (operator !== 'Conv') return operator
  const image = dimsOf(inputs[0])
  return `Conv ${weights.slice(2).join('x')}, ${weights[1] === 1 ? 'one group a channel' : `maps of ${image.slice(2).join(' x ')}`}`
}

function multiplyAddsOf({ op_name: operator, input_type_shape: inputs, output_type_shape: outputs }) {
  if (operator !== 'Conv') return 0
  const product = (dims) => dims.reduce((all, dim) => all * dim, 1)
  return product(dimsOf(outputs[0])) * product(dimsOf(inputs[1]).slice(1))
}
