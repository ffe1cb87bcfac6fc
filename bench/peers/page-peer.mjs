// A ResNet-101 in a page of Chromium, WebAssembly: node page-peer.mjs FOLDER THREADS tfjs|vertebra NPM. The one of TensorFlow.js is
// built of its layers, with random weights and without batch norm, as if folded; ours makes the same feature map, and resizes
// the photo besides. See peer.py.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { serveFolders } from '../../scripts/serve-folders.mjs'
import { root } from '../../scripts/set-up.mjs'
import { modelForm } from '../model-form.mjs'
import { folder, photos, serve, threads } from './peer.mjs'

const [library, npm] = process.argv.slice(4)
/** What 640 x 480 becomes with a shorter side of 320, padded to 32: at 800 a page takes minutes. */
const SHORTER = 320
const INPUT = [320, 448, 3]

const TFJS = `<script src="/npm/@tensorflow/tfjs/dist/tf.min.js"></script>
<script src="/npm/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js"></script>
<script type="module">
tf.wasm.setWasmPaths('/npm/@tensorflow/tfjs-backend-wasm/dist/')
tf.wasm.setThreadsCount(${threads})
await tf.setBackend('wasm')
const conv = (filters, kernelSize, strides, x, activation) =>
  tf.layers.conv2d({ filters, kernelSize, strides, padding: 'same', activation }).apply(x)
function unit(x, width, stride, projected) {
  const inner = conv(width, 3, stride, conv(width, 1, 1, x, 'relu'), 'relu')
  const shortcut = projected ? conv(4 * width, 1, stride, x) : x
  return tf.layers.reLU().apply(tf.layers.add().apply([conv(4 * width, 1, 1, inner), shortcut]))
}
const image = tf.input({ shape: [${INPUT}] })
let x = conv(64, 7, 2, image, 'relu')
x = tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(x)
for (const [stage, units] of [3, 4, 23, 3].entries())
  for (let i = 0; i < units; i++) x = unit(x, 64 << stage, i === 0 && stage > 0 ? 2 : 1, i === 0)
const model = tf.model({ inputs: image, outputs: x })
const input = tf.randomUniform([1, ${INPUT}])
globalThis.turn = async () => {
  const output = model.predict(input)
  await output.data()
  output.dispose()
  return 1
}
globalThis.version = 'tfjs ' + tf.version_core
</script>`

const OURS = `<script type="importmap">{ "imports": {
  "vertebra": "/dist/web/index.js",
  "onnxruntime-web/wasm": "/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
  "onnxruntime-web/webgpu": "/node_modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs"
} }</script>
<script type="module">
import { loadDetector } from 'vertebra'
const detector = await loadDetector(location.origin + '/peers/page-model/', { device: 'wasm', threads: ${threads} })
const bytes = new Uint8ClampedArray(await (await fetch('/peers/astronaut.rgb')).arrayBuffer())
const photo = { width: 640, height: 480, channels: 3, data: new Uint8Array(bytes.buffer) }
globalThis.turn = async () => Object.keys(await detector.backbone.extract(photo, { levels: ['c5'] })).length
globalThis.version = detector.runtime
</script>`

if (library === 'vertebra') {
  const target = join(folder, 'page-model')
  if (existsSync(target)) rmSync(target, { recursive: true })
  modelForm(join(folder, 'vertebra-fp32'), target, (manifest) => ({
    ...manifest,
    input: { ...manifest.input, resize: { ...manifest.input.resize, size: SHORTER } },
  }))
}
const text = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${library === 'tfjs' ? TFJS : OURS}`
const site = await serveFolders({
  folders: { '/npm/': join(npm, 'node_modules'), '/peers/': folder, '/': root },
  answers: { '/': () => ({ type: '.html', text }) },
})
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
const page = await browser.newPage()
page.on('pageerror', (error) => process.stderr.write(`Error: ${error.message}\n`))
await page.goto(`${site.origin}/`)
await page.waitForFunction('globalThis.version', undefined, { timeout: 120_000 })
const version = await page.evaluate('globalThis.version')

/** The most that the page's process had resident. */
async function peakBytes() {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const sizes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]))
  return Math.max(...sizes) * 1024
}

const name = library === 'tfjs' ? 'ResNet-101, TensorFlow.js' : 'vertebra fp32'
await serve(name, version, photos(), async () => ({ found: await page.evaluate('globalThis.turn()') }), {
  peakBytes,
  close: async () => {
    await browser.close()
    site.close()
  },
})
