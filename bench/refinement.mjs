// What box refinement costs: each shipped model with its boxes once through the head, all of them three times, and only those three
// times that may be objects, as shipped. All in turns.
//
//   node bench/refinement.mjs [photo] [turns]
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadDetector } from '../dist/index.node.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const [photo = join(root, 'examples/photos/astronaut.jpg'), turns = '9'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'vertebra-refinement-'))
const FORMS = [
  ['once', { refinements: 0 }],
  ['all three times', { refinementThreshold: 0 }],
  ['likely ones', {}],
]
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

try {
  const entries = []
  for (const name of ['resnet101-voc', 'resnet101-voc-int8', 'vgg16-voc', 'vgg16-voc-int8']) {
    for (const [form, head] of FORMS) {
      const copy = join(folder, `${name}-${form.replaceAll(' ', '-')}`)
      cpSync(join(root, 'models', name), copy, { recursive: true })
      const manifest = JSON.parse(readFileSync(join(copy, 'model.json'), 'utf8'))
      writeFileSync(join(copy, 'model.json'), JSON.stringify({ ...manifest, head: { ...manifest.head, ...head } }))
      const precision = name.endsWith('int8') ? 'int8' : 'float32'
      const detector = await loadDetector(copy, { device: 'cpu', precision })
      await detector.detect(photo)
      entries.push({ name, form, detector, whole: [], head: [] })
    }
  }
  for (let turn = 0; turn < Number(turns); turn++) {
    for (const { detector, whole, head } of entries) {
      const { times } = await detector.detect(photo)
      whole.push(Object.values(times).reduce((sum, time) => sum + time))
      head.push(times.pooling + times.head)
    }
  }
  for (const { name, form, detector, whole, head } of entries) {
    const figures = `${median(whole).toFixed(0)} ms, of it pooling and head ${median(head).toFixed(0)} ms`
    console.log(`${name.padEnd(20)} ${form.padEnd(18)} ${figures}`)
    await detector.dispose()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
