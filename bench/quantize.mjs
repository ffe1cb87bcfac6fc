// The int8 form of a model against its float32 form, end to end and stage by stage. Detections of both take turns, so that
// whatever else the machine does falls on both; read the ratios, not the milliseconds.
//   node bench/quantize.mjs [--model resnet101-voc] [--int8 resnet101-voc-int8] [--runs 20] [--photo examples/photos/astronaut.jpg]
import { parseArgs } from 'node:util'
import { loadDetector } from 'vertebra'
import { decodeImage } from 'vertebra/images'
import { machine, median, row } from './report.mjs'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet101-voc' },
    int8: { type: 'string', default: 'resnet101-voc-int8' },
    runs: { type: 'string', default: '20' },
    photo: { type: 'string', default: 'examples/photos/astronaut.jpg' },
  },
})

const photo = await decodeImage(values.photo)
const detectors = [
  await loadDetector(values.model, { device: 'cpu' }),
  await loadDetector(values.int8, { device: 'cpu' }),
]
const times = [[], []]
for (let i = 0; i < Number(values.runs) + 2; i++) {
  for (const [k, detector] of detectors.entries()) {
    const result = await detector.detect(photo)
    if (i >= 2) times[k].push(result.times)
  }
}
for (const detector of detectors) await detector.dispose()

const sum = (stages) => Object.values(stages).reduce((total, ms) => total + ms, 0)
console.log(machine())
console.log(row('', 'ratio', 'float32 by int8: median of the turns, least and greatest; medians in milliseconds'))
for (const stage of [...Object.keys(times[0][0]), 'total']) {
  const of = (run) => (stage === 'total' ? sum(run) : run[stage])
  const [before, after] = times.map((runs) => runs.map(of))
  const ratios = before.map((ms, i) => ms / after[i])
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
  const [a, b] = [before, after].map((all) => median(all).toFixed(2))
  console.log(row(stage, median(ratios).toFixed(2), `${range}; ${a} -> ${b}`))
}
