// Resident memory over many photos: it must be flat once the first ones are through.
//   node --expose-gc bench/memory.mjs [--model resnet101-voc] [--photos 500]
import { parseArgs } from 'node:util'
import { loadDetector } from 'vertebra'
import { machine, median, megabytes, row } from './report.mjs'

const { values } = parseArgs({
  options: { model: { type: 'string', default: 'resnet101-voc' }, photos: { type: 'string', default: '500' } },
})
const photos = Number(values.photos)
const WARM = 50
const WINDOW = 10

/** Photos of the shapes that cameras and the web have, so that the runtime sees changing inputs. */
const SHAPES = [
  [480, 360],
  [360, 480],
  [500, 333],
  [640, 480],
  [400, 400],
  [480, 270],
]

function noise(width, height, seed) {
  const data = new Uint8Array(width * height * 3)
  let state = seed
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    data[i] = state >>> 24
  }
  return { width, height, channels: 3, data }
}

const detector = await loadDetector(values.model, { device: 'cpu' })
console.log(machine())
console.log(row('loaded', `${megabytes(process.memoryUsage.rss())} MB`))
const resident = []
for (let i = 1; i <= photos; i++) {
  const [width, height] = SHAPES[i % SHAPES.length]
  await detector.detect(noise(width, height, i), { minScore: 0 })
  resident.push(process.memoryUsage.rss())
  if (i === WARM || i % 100 === 0) console.log(row(`photo ${i}`, `${megabytes(resident[i - 1])} MB`))
}
await detector.dispose()
// Medians of ten photos, so that where a garbage collection falls does not decide.
const early = median(resident.slice(WARM - WINDOW, WARM))
const late = median(resident.slice(-WINDOW))
const peak = process.resourceUsage().maxRSS * 1024
console.log(row('growth', `${((100 * (late - early)) / early).toFixed(2)} %`, `from photo ${WARM} to ${photos}`))
console.log(row('peak', `${megabytes(peak)} MB`))
