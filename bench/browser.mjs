// The detector in a page of a real Chromium: how long the page's own thread is held up, how much memory loading takes, and
// what the pipeline adds to its sessions. Linux, with Debian's chromium.
//   node bench/browser.mjs [--model resnet101-voc, or a folder] [--frames 100]
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { serveFolders } from '../scripts/serve-folders.mjs'
import { root } from '../scripts/set-up.mjs'
import { machine, median, modelFolder, row } from './report.mjs'

const { values } = parseArgs({
  options: { model: { type: 'string', default: 'resnet101-voc' }, frames: { type: 'string', default: '100' } },
})
const frames = Number(values.frames)

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": {
  "vertebra": "/dist/web/index.js",
  "onnxruntime-web/wasm": "/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
  "onnxruntime-web/webgpu": "/node_modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs"
} }</script>
<script type="module">import * as vertebra from 'vertebra'; globalThis.vertebra = vertebra</script></html>`

const site = await serveFolders({
  folders: { '/model/': modelFolder(values.model), '/': root },
  answers: { '/': () => ({ type: '.html', text: PAGE }) },
})
const model = `${site.origin}/model/`
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
const page = await browser.newPage()
await page.goto(`${site.origin}/`)
await page.waitForFunction('globalThis.vertebra')

async function rendererStatus(field) {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const sizes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]))
  return Math.max(...sizes) / 1024
}

/** Every task of the page's own thread while some work goes on: milliseconds of processor time, and what it did. */
async function tasksDuring(work) {
  const session = await browser.newBrowserCDPSession()
  const events = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value))
  const categories = ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline']
  await session.send('Tracing.start', { traceConfig: { includedCategories: categories }, transferMode: 'ReportEvents' })
  await work()
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.end')
  await complete
  // The browser has other pages of its own, each with a main thread.
  const { pid, tid } = events.find(({ name, args }) => name === 'TimeStamp' && args.data.message === 'bench')
  const own = events.filter((event) => event.pid === pid && event.tid === tid)
  return own
    .filter(({ name }) => name === 'RunTask')
    .map((task) => ({ time: (task.tdur ?? task.dur) / 1000, did: partsOf(task, own) }))
}

/** The longest steps of a task, with the script they ran. */
function partsOf({ ts, dur }, events) {
  return events
    .filter(
      (event) => event.name !== 'RunTask' && event.ts >= ts && event.ts + event.dur <= ts + dur && event.dur > 1000,
    )
    .sort((a, b) => b.dur - a.dur)
    .map(({ name, dur, args }) => `${name} ${(dur / 1000).toFixed(1)} ms ${args?.data?.url ?? ''}`.trim())
    .slice(0, 6)
}

console.log(machine())
console.log(row('browser', browser.version()))
const load = await page.evaluate(async (model) => {
  const began = performance.now()
  globalThis.detector = await vertebra.loadDetector(model, { device: 'wasm' })
  const loaded = performance.now()
  await detector.detect('/examples/photos/cat.jpg')
  const { device, precision } = detector
  const reason = `${precision} on ${device.reason}`
  return { load: loaded - began, first: performance.now() - began, reason }
}, model)
console.log(row('loading, cold cache', `${load.load.toFixed(0)} ms`, load.reason))
console.log(row('peak of the page', `${(await rendererStatus('VmHWM')).toFixed(0)} MB`))

const times = []
const tasks = await tasksDuring(async () => {
  times.push(
    ...(await page.evaluate(async (frames) => {
      console.timeStamp('bench')
      const photo = await createImageBitmap(await (await fetch('/examples/photos/cat.jpg')).blob())
      const times = []
      for (let i = 0; i < frames; i++) {
        const frame = new VideoFrame(photo, { timestamp: i })
        times.push((await detector.detect(frame)).times)
        frame.close()
      }
      return times
    }, frames)),
  )
})
tasks.sort((a, b) => b.time - a.time)
const long = tasks.filter(({ time }) => time > 8)
console.log(
  row('tasks of the page', `${tasks.length}`, `longest ${tasks[0].time.toFixed(1)} ms, over 8 ms: ${long.length}`),
)
for (const { time, did } of long) console.log(row('', `${time.toFixed(1)} ms`, did.join(', ')))
for (const stage of Object.keys(times[0]))
  console.log(row(stage, `${median(times.map((time) => time[stage])).toFixed(1)} ms`))
const sum = (time) => Object.values(time).reduce((total, value) => total + value, 0)
const ratio = median(times.map((time) => sum(time) / (time.network + time.head)))
console.log(row('pipeline to sessions', ratio.toFixed(3)))
console.log(row('resident after the frames', `${(await rendererStatus('VmRSS')).toFixed(0)} MB`))
await page.evaluate(() => detector.dispose())

await page.reload()
await page.waitForFunction('globalThis.vertebra')
const warm = await page.evaluate(async (model) => {
  const began = performance.now()
  const detector = await vertebra.loadDetector(model, { device: 'wasm' })
  const loaded = performance.now() - began
  await detector.detect('/examples/photos/cat.jpg')
  const first = performance.now() - began
  await detector.dispose()
  return { loaded, first }
}, model)
console.log(
  row('loading, warm cache', `${warm.loaded.toFixed(0)} ms`, `first detection after ${warm.first.toFixed(0)} ms`),
)
await browser.close()
site.close()
