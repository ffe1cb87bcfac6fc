// How the cost of a detection grows: with the size of the photo, proposals, classes, objects in the picture, batch, threads.
// Questions that --json has the answers of, and that --only leaves out, are drawn as they were.
//   node bench/growth.mjs [--only pixels,classes] [--model resnet101-voc] [--rounds 5] [--json file] [--plot docs/plots/growth.svg]
// The forms of one question take turns, so that whatever else the machine does meets all alike. Prints Markdown. With --json what
// was measured is also kept, and joined with what the file already has, so that the plot can be made of several runs.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadDetector } from 'vertebra'
import { decodeImage, resizeImage } from 'vertebra/images'
import { modelForm, withClasses } from './model-form.mjs'
import { plotPanels } from './plot.mjs'
import { machine, median } from './report.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    model: { type: 'string', default: 'resnet101-voc' },
    rounds: { type: 'string', default: '5' },
    photo: { type: 'string', default: 'examples/photos/cat.jpg' },
    json: { type: 'string' },
    plot: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const scratch = mkdtempSync(join(tmpdir(), 'growth-'))
const photo = await decodeImage(values.photo)
const small = resizeImage(photo, 480, 320, 'antialias')

/** A form of the model: what to change in the manifest, how to load it, what to run it on. */
const form = (change, { threads, images = [small] } = {}) => ({ change, threads, images })

/** The photo n x n times in a picture of the same size. */
function mosaic(n) {
  const [width, height] = [Math.floor(480 / n), Math.floor(320 / n)]
  const tile = resizeImage(photo, width, height, 'antialias')
  const data = new Uint8Array(480 * 320 * 3)
  for (let y = 0; y < height * n; y++) {
    for (let k = 0; k < n; k++) {
      const row = tile.data.subarray((y % height) * width * 3, ((y % height) + 1) * width * 3)
      data.set(row, 3 * (y * 480 + k * width))
    }
  }
  return { width: 480, height: 320, data }
}

const resized = (size) => (manifest) => ({
  ...manifest,
  input: { ...manifest.input, resize: { ...manifest.input.resize, size } },
})
// Without the cut of objectness, which leaves a few boxes of this photo whatever is allowed.
const proposing = (count) => (manifest) => ({
  ...manifest,
  rpn: { ...manifest.rpn, postNmsTopN: count, scoreThreshold: 0 },
})
const classing = (count) => (manifest, read) => proposing(manifest.rpn.postNmsTopN)(withClasses(count)(manifest, read))

/** Each question: the axis, and the forms by their place on it. */
const QUESTIONS = {
  pixels: {
    axis: 'megapixels of the input',
    // Photos of 3:2, whose sides the padding to 32 divides.
    forms: [192, 288, 480, 672, 960].map((size) => [(size * size * 2) / 3 / 1e6, form(resized(size))]),
  },
  proposals: { axis: 'proposals', forms: [50, 100, 300, 600, 1000].map((count) => [count, form(proposing(count))]) },
  classes: { axis: 'classes', forms: [20, 80, 365, 1203].map((count) => [count, form(classing(count))]) },
  objects: {
    axis: 'photos in the picture',
    forms: [1, 2, 3, 4].map((n) => [n * n, form(undefined, { images: [mosaic(n)] })]),
  },
  batch: {
    axis: 'photos in the batch',
    forms: [1, 2, 4, 8].map((count) => [count, form(undefined, { images: Array(count).fill(small) })]),
  },
  threads: {
    axis: 'threads',
    forms: Array.from({ length: availableParallelism() }, (_, i) => [i + 1, form(undefined, { threads: i + 1 })]),
  },
}

const STAGES = ['prepare', 'network', 'proposals', 'pooling', 'head', 'postprocess']
const stored = values.json && existsSync(values.json) ? JSON.parse(readFileSync(values.json, 'utf8')) : {}
console.log(`${machine()}, ${values.model}, median of ${rounds}`)
for (const key of values.only?.split(',').filter(Boolean) ?? Object.keys(QUESTIONS)) {
  stored[key] = await answer(key, QUESTIONS[key])
  printTable(stored[key])
  if (values.json) writeFileSync(values.json, `${JSON.stringify(stored, undefined, 2)}\n`)
}
rmSync(scratch, { recursive: true })
if (values.plot) {
  mkdirSync(dirname(values.plot), { recursive: true })
  writeFileSync(values.plot, plotPanels(Object.entries(stored).map(panel)))
}

/** Milliseconds of each stage at each place of the axis, medians of one photo. */
async function answer(key, { axis, forms }) {
  const detectors = new Map()
  const states = []
  for (const [place, { change, threads, images }] of forms) {
    // The unchanged model is loaded once.
    const same = change === undefined && threads === undefined ? 'unchanged' : place
    if (!detectors.has(same)) {
      const folder = modelForm(values.model, join(scratch, `${key}-${place}`), change)
      detectors.set(same, await loadDetector(folder, { device: 'cpu', threads }))
    }
    states.push({ place, images, detector: detectors.get(same), times: [], detections: 0 })
  }
  for (let round = -1; round < rounds; round++) {
    for (let i = 0; i < states.length; i++) {
      const state = states[(round + 1 + i) % states.length]
      const results = await state.detector.detectBatch(state.images)
      state.detections = results[0].detections.length
      // The first round warms up.
      if (round >= 0) state.times.push(timesOf(results))
    }
  }
  for (const detector of detectors.values()) await detector.dispose()
  const points = states.map(({ place, times, detections }) => {
    const stages = Object.fromEntries(STAGES.map((stage) => [stage, median(times.map((time) => time[stage]))]))
    return { place, detections, total: median(times.map((time) => time.total)), ...stages }
  })
  return { axis, points }
}

/** Of one photo: the results of a batch have its times in common. */
function timesOf([{ times }, ...others]) {
  const own = Object.fromEntries(STAGES.map((stage) => [stage, times[stage] / (1 + others.length)]))
  return { ...own, total: STAGES.reduce((sum, stage) => sum + own[stage], 0) }
}

function printTable({ axis, points }) {
  const head = [axis, 'detections', 'total ms', ...STAGES, 'post-processing, share']
  console.log(`\n| ${head.join(' | ')} |\n|${head.map(() => '---|').join('')}`)
  for (const { place, detections, total, postprocess, ...stages } of points) {
    const ms = STAGES.map((stage) => (stage === 'postprocess' ? postprocess : stages[stage]).toFixed(1))
    const cells = [
      Number(place.toFixed(3)),
      detections,
      total.toFixed(1),
      ...ms,
      `${((100 * postprocess) / total).toFixed(2)} %`,
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

function panel([key, { axis, points }]) {
  const outside = ({ prepare, proposals, pooling, postprocess }) => prepare + proposals + pooling + postprocess
  const series = [
    { name: 'ms a photo', points: points.map(({ place, total }) => [place, total]) },
    { name: 'outside the sessions', points: points.map((point) => [point.place, outside(point)]) },
  ]
  return { title: key, x: axis, series }
}
