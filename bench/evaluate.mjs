// COCO evaluation against pycocotools in the same run: 5,000 images, 80 classes, 36,000 objects, 100 results per image.
//   PYCOCOTOOLS_PYTHON=/path/to/python node bench/evaluate.mjs
// Without a Python that has pycocotools only this library's own time and memory are printed.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { evaluateCoco } from 'vertebra/evaluate'
import { readCocoInstances, readCocoResults } from 'vertebra/formats'
import { machine } from './report.mjs'

const IMAGES = 5_000
const CLASSES = 80
const OBJECTS = 36_000
const RESULTS_PER_IMAGE = 100

let state = 1
/** A number in [0, 1): mulberry32. */
function random() {
  state = (state + 0x6d2b79f5) | 0
  let x = Math.imul(state ^ (state >>> 15), 1 | state)
  x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
  return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
}

const below = (count) => Math.floor(random() * count)
const side = () => 5 + 300 * random() ** 3
const box = () => [below(500), below(400), side(), side()]

function writeData(instancesFile, resultsFile) {
  const images = Array.from({ length: IMAGES }, (_, i) => ({
    id: i + 1,
    file_name: `${i}.jpg`,
    width: 640,
    height: 480,
  }))
  const categories = Array.from({ length: CLASSES }, (_, k) => ({ id: k + 1 + Math.floor(k / 7), name: `class ${k}` }))
  const categoryId = () => categories[Math.floor(CLASSES * random() ** 2)]?.id ?? 1
  const perImage = images.map(() => [])
  const annotations = Array.from({ length: OBJECTS }, (_, i) => {
    const image = below(IMAGES)
    const object = { bbox: box(), category_id: categoryId() }
    perImage[image]?.push(object)
    const [, , width = 0, height = 0] = object.bbox
    return { id: i + 1, image_id: image + 1, ...object, area: width * height * 0.7, iscrowd: random() < 0.01 ? 1 : 0 }
  })
  const results = perImage.flatMap((objects, i) =>
    Array.from({ length: RESULTS_PER_IMAGE }, () => {
      const near = random() < 0.3 ? objects[below(objects.length)] : undefined
      const bbox = near ? near.bbox.map((value) => Math.max(value + 12 * (random() - 0.5), 0.1)) : box()
      return { image_id: i + 1, category_id: near?.category_id ?? categoryId(), bbox, score: random() }
    }),
  )
  writeFileSync(instancesFile, JSON.stringify({ images, categories, annotations }))
  writeFileSync(resultsFile, JSON.stringify(results))
}

console.log(machine())
const folder = mkdtempSync(join(tmpdir(), 'evaluate-'))
try {
  const files = [join(folder, 'instances.json'), join(folder, 'results.json')]
  writeData(...files)
  const started = performance.now()
  const instances = readCocoInstances(readFileSync(files[0], 'utf8'))
  const results = readCocoResults(readFileSync(files[1], 'utf8'))
  const loaded = performance.now()
  const { stats } = evaluateCoco(instances, results)
  const ended = performance.now()
  const own = { load: (loaded - started) / 1000, evaluate: (ended - loaded) / 1000 }
  const gigabytes = process.resourceUsage().maxRSS / 2 ** 20
  console.log(
    `vertebra     load ${own.load.toFixed(2)} s, evaluate ${own.evaluate.toFixed(2)} s, ${gigabytes.toFixed(2)} GB at most`,
  )
  const python = process.env.PYCOCOTOOLS_PYTHON
  if (python) {
    const script = fileURLToPath(new URL('evaluate.py', import.meta.url))
    const theirs = JSON.parse(execFileSync(python, [script, ...files], { encoding: 'utf8' }))
    const difference = Object.values(stats).reduce(
      (most, value, i) => Math.max(most, Math.abs(value - theirs.stats[i])),
      0,
    )
    const ratio = own.evaluate / theirs.evaluate
    const whole = (own.load + own.evaluate) / (theirs.load + theirs.evaluate)
    console.log(`pycocotools  load ${theirs.load.toFixed(2)} s, evaluate ${theirs.evaluate.toFixed(2)} s`)
    console.log(`ratio        evaluate ${ratio.toFixed(3)}, with loading ${whole.toFixed(3)} (at most 0.5)`)
    console.log(`largest difference of the 12 figures: ${difference.toExponential(1)} (at most 1e-9)`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
