// Many photos: a pool of as many workers as cores with one thread each, a pool of one worker with all threads, and one detector
// in this thread. The three take turns on the same photos, so that whatever else the machine does falls on all; read the
// ratios, not the rates.
//   node bench/throughput.mjs [--model resnet101-voc] [--size <cores>] [--rounds 5] [--photos 8] [--photo examples/photos/astronaut.jpg]
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { createPool, detectAll, loadDetector } from 'vertebra'
import { machine, median, row } from './report.mjs'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet101-voc' },
    size: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '5' },
    photos: { type: 'string', default: '8' },
    photo: { type: 'string', default: 'examples/photos/astronaut.jpg' },
  },
})
const size = Number(values.size)
const photos = Array.from({ length: Number(values.photos) }, () => values.photo)

const detector = await loadDetector(values.model, { device: 'cpu', threads: size })
const wide = await createPool(values.model, { device: 'cpu', size: 1, threads: size })
const many = await createPool(values.model, { device: 'cpu', size, threads: 1 })
const forms = [
  ['detectAll', () => detectAll(detector, photos)],
  [`pool 1 x ${size}`, () => wide.detectAll(photos)],
  [`pool ${size} x 1`, () => many.detectAll(photos)],
]

/** Milliseconds of the machine's processors, all together, and of those the ones they worked. */
function processorTime() {
  let busy = 0
  let idle = 0
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq
    idle += times.idle
  }
  return { busy, all: busy + idle }
}

const rates = forms.map(() => [])
const busy = forms.map(() => [])
for (let round = 0; round <= Number(values.rounds); round++) {
  for (let i = 0; i < forms.length; i++) {
    const k = (round + i) % forms.length
    const before = processorTime()
    const start = performance.now()
    for await (const outcome of forms[k][1]()) if ('error' in outcome) throw outcome.error
    const seconds = (performance.now() - start) / 1000
    const after = processorTime()
    process.stderr.write(`round ${round}, ${forms[k][0]}: ${(photos.length / seconds).toFixed(2)} photos/s\n`)
    // The first round warms up.
    if (round === 0) continue
    rates[k].push(photos.length / seconds)
    busy[k].push((after.busy - before.busy) / (after.all - before.all))
  }
}
await Promise.all([detector.dispose(), wide.dispose(), many.dispose()])

console.log(machine())
console.log(row('', 'photos/s', 'ratio to detectAll: median of the rounds, least and greatest; processors busy'))
for (const [k, [name]] of forms.entries()) {
  const ratios = rates[k].map((rate, i) => rate / rates[0][i])
  const range = `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
  console.log(row(name, median(rates[k]).toFixed(2), `${range}; ${(100 * median(busy[k])).toFixed(1)} %`))
}
