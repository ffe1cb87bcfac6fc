// The pipeline in a page of Chromium, WebAssembly, against the same network as one exported graph with RoiAlign and
// NonMaxSuppression inside, run by onnxruntime-web as it is. Both run in the page, on the same threads, in turns.
//   node bench/browser-whole.mjs [--model resnet101-voc, or a folder] [--rounds 5]
// PYTHON names the Python with training/requirements.txt that exports the graph; by default training/.venv's.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { decodeImage, inputTensor } from 'vertebra/images'
import { serveFolders } from '../scripts/serve-folders.mjs'
import { root } from '../scripts/set-up.mjs'
import { modelForm } from './model-form.mjs'
import { machine, median, modelFolder, row } from './report.mjs'

const PHOTO = 'examples/photos/cat.jpg'

const { values } = parseArgs({
  options: { model: { type: 'string', default: 'resnet101-voc' }, rounds: { type: 'string', default: '5' } },
})
const temporary = mkdtempSync(join(tmpdir(), 'vertebra-whole-'))
// All proposals go on in both: where a level has none, the exported graph fails.
const allProposals = (manifest) => ({ ...manifest, rpn: { ...manifest.rpn, scoreThreshold: 0 } })
const model = modelForm(values.model, join(temporary, 'model'), allProposals)
const { input } = JSON.parse(readFileSync(join(model, 'model.json'), 'utf8'))
const photo = await decodeImage(join(root, PHOTO))
const { data, dims, placements } = inputTensor(input, [photo])
const [{ inputWidth, inputHeight }] = placements
exportWhole(`${inputHeight}x${inputWidth}`, join(temporary, 'whole.onnx'))

/** The network of the model folder as one graph for photos of one size. */
function exportWhole(size, out) {
  const venv = join(root, 'training/.venv/bin/python')
  const python = process.env.PYTHON ?? (existsSync(venv) ? venv : 'python3')
  const script = ['-W', 'ignore', 'bench/whole-graph.py', '--weights', model, '--size', size, '--out', out]
  const env = { ...process.env, PYTHONPATH: 'training' }
  const { status } = spawnSync(python, script, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env })
  if (status !== 0) throw new Error(`${python} ${script.join(' ')} failed`)
}

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": {
  "vertebra": "/dist/web/index.js",
  "onnxruntime-web/wasm": "/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs"
} }</script>
<script type="module">
import { loadDetector } from 'vertebra'
import * as ort from 'onnxruntime-web/wasm'
const load = (folder) =>
  loadDetector(location.origin + folder, { device: 'wasm', precision: 'float32', worker: false })
const detector = await load('/model/')
const shipped = await load('/shipped/')
async function detect(by) {
  const { detections, times } = await by.detect('/photo')
  return { found: detections.length, best: detections[0], times }
}
const bytes = new Uint8Array(await (await fetch('/temporary/whole.onnx')).arrayBuffer())
const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], graphOptimizationLevel: 'all', logSeverityLevel: 4 })
const input = new Float32Array(await (await fetch('/input')).arrayBuffer())
globalThis.turns = {
  ours: () => detect(detector),
  shipped: () => detect(shipped),
  async theirs() {
    const { boxes, scores } = await session.run({ image: new ort.Tensor('float32', input, ${JSON.stringify(dims)}) })
    return { found: scores.dims[0], best: { score: scores.data[0], box: [...boxes.data.slice(0, 4)] } }
  },
}
globalThis.reason = detector.device.reason
</script></html>`
const site = await serveFolders({
  folders: { '/model/': model, '/shipped/': modelFolder(values.model), '/temporary/': temporary, '/': root },
  answers: {
    '/': () => ({ type: '.html', text: PAGE }),
    '/input': () => ({ type: '.wasm', text: Buffer.from(data.buffer) }),
    '/photo': () => ({ type: '.jpg', text: readFileSync(join(root, PHOTO)) }),
  },
})
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
const page = await browser.newPage()
page.on('pageerror', (error) => process.stderr.write(`${error.message}\n`))
await page.goto(`${site.origin}/`)
await page.waitForFunction('globalThis.turns', undefined, { timeout: 300_000 })

const turn = (name) =>
  page.evaluate(async (name) => {
    const began = performance.now()
    const result = await turns[name]()
    return { ...result, ms: performance.now() - began }
  }, name)

console.log(machine())
console.log(row('browser', browser.version(), await page.evaluate('reason')))
const all = { ours: [], shipped: [], theirs: [] }
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const name of ['ours', 'shipped', 'theirs']) {
    const result = await turn(name)
    // The first of each is its warm-up.
    if (round > 0) all[name].push(result)
  }
}
for (const [name, title] of [
  ['ours', 'the pipeline, all proposals'],
  ['shipped', 'as shipped, without unlikely ones'],
  ['theirs', 'whole graph'],
]) {
  const { found, best } = all[name][0]
  const note = `${found} detections, the best ${best?.score.toFixed(4)} at ${best?.box.map((side) => side.toFixed(1))}`
  console.log(row(title, `${median(all[name].map(({ ms }) => ms)).toFixed(0)} ms`, note))
}
for (const stage of Object.keys(all.ours[0].times))
  console.log(row(`  ${stage}`, `${median(all.ours.map(({ times }) => times[stage])).toFixed(1)} ms`))
const ratio = (name) => median(all.theirs.map(({ ms }, i) => ms / all[name][i].ms)).toFixed(2)
console.log(row('times as fast, all proposals', ratio('ours'), 'goal: at least 1.5'))
console.log(row('times as fast, as shipped', ratio('shipped')))
await browser.close()
site.close()
rmSync(temporary, { recursive: true, force: true })
