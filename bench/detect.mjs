// What a detection costs, stage by stage, and how much of it is outside the sessions.
//   node bench/detect.mjs [--model resnet101-voc] [--runs 20] [--photo examples/photos/astronaut.jpg]
import { parseArgs } from 'node:util'
import { loadDetector } from 'vertebra'
import { decodeImage, resizeImage } from 'vertebra/images'
import { machine, median, megabytes, row } from './report.mjs'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet101-voc' },
    runs: { type: 'string', default: '20' },
    photo: { type: 'string', default: 'examples/photos/astronaut.jpg' },
  },
})
const runs = Number(values.runs)

// The photo as a 480x360 picture, the size the project's figures are stated for.
const photo = resizeImage(await decodeImage(values.photo), 480, 360, 'antialias')

const before = process.memoryUsage.rss()
const start = performance.now()
const detector = await loadDetector(values.model, { device: 'cpu' })
const load = performance.now() - start
const afterLoad = process.memoryUsage.rss()

const all = []
for (let i = 0; i < runs + 2; i++) {
  const { times } = await detector.detect(photo)
  if (i >= 2) all.push(times)
}
await detector.dispose()

const stages = Object.keys(all[0])
const medians = Object.fromEntries(stages.map((stage) => [stage, median(all.map((times) => times[stage]))]))
const total = median(all.map((times) => stages.reduce((sum, stage) => sum + times[stage], 0)))
const outside = median(all.map(({ network, head, ...rest }) => Object.values(rest).reduce((sum, ms) => sum + ms, 0)))
console.log(machine())
console.log(row('load', `${load.toFixed(0)} ms`, `${megabytes(before)} MB -> ${megabytes(afterLoad)} MB resident`))
for (const stage of stages) {
  console.log(row(stage, `${medians[stage].toFixed(2)} ms`, `${((100 * medians[stage]) / total).toFixed(2)} %`))
}
console.log(row('total', `${total.toFixed(2)} ms`, `median of ${runs}`))
console.log(
  row('outside', `${outside.toFixed(2)} ms`, `${((100 * outside) / total).toFixed(2)} % outside the sessions`),
)
