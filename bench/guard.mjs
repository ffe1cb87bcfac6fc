// Has anything become slower? Ratios inside one run against those stored in guard.json; each is a cost, so less is better.
//   node bench/guard.mjs [--rounds 12] [--work folder] [--update]
// The sides of a ratio take turns, so that whatever else the machine does meets both. Exits with 1 when a ratio is worse than the
// stored one by more than its tolerance, or is not stored. Without the work folder of peers.mjs the ratio that needs it is left out. --update stores what was measured.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadDetector } from 'vertebra'
import { nms } from 'vertebra/boxes'
import { decodeImage, resizeImage } from 'vertebra/images'
import { judgeRatios } from './guard-ratios.mjs'
import { modelForm, withClasses } from './model-form.mjs'
import { openProduct } from './product.mjs'
import { machine, median } from './report.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    work: { type: 'string', default: join(tmpdir(), 'vertebra-peers') },
    update: { type: 'boolean', default: false },
  },
})
const MODEL = 'resnet101-voc'
const INT8 = 'resnet101-voc-int8'
const FILE = new URL('guard.json', import.meta.url)
/** Of the stored ratio; what repeated runs on a shared machine differ by. */
const TOLERANCE = 0.15

const photo = resizeImage(await decodeImage('examples/photos/astronaut.jpg'), 480, 360, 'antialias')
const scratch = mkdtempSync(join(tmpdir(), 'guard-'))
const opened = []

async function detector(folder) {
  const loaded = await loadDetector(folder, { device: 'cpu' })
  opened.push(loaded)
  return loaded
}

const sum = (times) => Object.values(times).reduce((total, ms) => total + ms, 0)

async function timeOf(work) {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Each gives, for one round, what is measured and what it is divided by. */
async function questions() {
  const floats = await detector(MODEL)
  const bytes = await detector(INT8)
  const product = await openProduct([2048, 2048, 2048])
  const many = await detector(modelForm(MODEL, join(scratch, 'classes'), withClasses(1203)))
  const { boxes, scores } = randomBoxes(1000)
  const found = {
    'pipeline / its sessions': async () => {
      const { times } = await floats.detect(photo)
      return [sum(times), times.network + times.head]
    },
    'network / matrix product of 2048': async () => [
      (await floats.detect(photo)).times.network,
      await timeOf(() => product.run()),
    ],
    '1,203 classes / 20 classes': async () => [
      sum((await many.detect(photo)).times),
      sum((await floats.detect(photo)).times),
    ],
    'post-processing, 1,203 classes / its pipeline': async () => {
      const { times } = await many.detect(photo)
      return [times.postprocess, sum(times)]
    },
    'int8 / float32': async () => [sum((await bytes.detect(photo)).times), sum((await floats.detect(photo)).times)],
    'nms / a plain loop': async () => [
      await timeOf(() => repeat(20, () => nms(boxes, scores, 0.7))),
      await timeOf(() => repeat(20, () => plainNms(boxes, scores, 0.7))),
    ],
  }
  const whole = join(values.work, 'detector.onnx')
  if (existsSync(whole)) {
    const { InferenceSession, Tensor } = await import('onnxruntime-node')
    const session = await InferenceSession.create(whole, { executionProviders: ['cpu'], logSeverityLevel: 3 })
    const own = await detector(join(values.work, 'vertebra-fp32'))
    const large = resizeImage(photo, 640, 480, 'antialias')
    const image = new Tensor('float32', new Float32Array(3 * 640 * 480).fill(0.5), [3, 480, 640])
    found["R101-FPN / torchvision's whole export"] = async () => [
      sum((await own.detect(large)).times),
      await timeOf(() => session.run({ image })),
    ]
  }
  return found
}

const repeat = (times, work) => {
  for (let i = 0; i < times; i++) work()
}

function randomBoxes(count) {
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const boxes = new Float32Array(4 * count)
  for (let i = 0; i < count; i++) {
    const [x, y, width, height] = [500 * random(), 400 * random(), 20 + 100 * random(), 20 + 100 * random()]
    boxes.set([x, y, x + width, y + height], 4 * i)
  }
  return { boxes, scores: Float32Array.from({ length: count }, random) }
}

/** What anybody would write first. */
function plainNms(boxes, scores, threshold) {
  const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a])
  const kept = []
  const area = (i) => (boxes[4 * i + 2] - boxes[4 * i]) * (boxes[4 * i + 3] - boxes[4 * i + 1])
  for (const i of order) {
    const overlaps = kept.some((k) => {
      const width = Math.min(boxes[4 * i + 2], boxes[4 * k + 2]) - Math.max(boxes[4 * i], boxes[4 * k])
      const height = Math.min(boxes[4 * i + 3], boxes[4 * k + 3]) - Math.max(boxes[4 * i + 1], boxes[4 * k + 1])
      const shared = Math.max(width, 0) * Math.max(height, 0)
      return shared / (area(i) + area(k) - shared) > threshold
    })
    if (!overlaps) kept.push(i)
  }
  return kept
}

const asked = await questions()
const ratios = Object.fromEntries(Object.keys(asked).map((name) => [name, []]))
for (let round = -2; round < Number(values.rounds); round++) {
  for (const [name, ask] of Object.entries(asked)) {
    const [measured, reference] = await ask()
    // The first rounds warm up.
    if (round >= 0) ratios[name].push(measured / reference)
  }
}
for (const each of opened) await each.dispose()
rmSync(scratch, { recursive: true })

const stored = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}
console.log(`${machine()}, median of ${values.rounds} rounds\n`)
console.log('| ratio | stored | measured | at most | |\n|---|---|---|---|---|')
const medians = Object.fromEntries(Object.entries(ratios).map(([name, rounds]) => [name, median(rounds)]))
const { rows, problems } = judgeRatios(medians, stored)
for (const cells of rows) console.log(`| ${cells.join(' | ')} |`)
if (values.update) {
  for (const [name, now] of Object.entries(medians)) {
    stored[name] = { ratio: Number(now.toFixed(4)), tolerance: stored[name]?.tolerance ?? TOLERANCE }
  }
  writeFileSync(FILE, `${JSON.stringify(stored, undefined, 2)}\n`)
} else if (problems.length > 0) {
  console.log(`\n${problems.join('\n')}`)
  process.exitCode = 1
}
