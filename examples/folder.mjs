// node examples/folder.mjs [folder]: every photo of a folder, drawn into out/, failures named, Ctrl-C stops cleanly.
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { detectAll, loadDetector } from 'vertebra'
import { drawDetections } from 'vertebra/draw'

const folder = process.argv[2] ?? 'examples/photos'
const photos = (await readdir(folder))
  .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
  .map((name) => join(folder, name))
const interrupt = new AbortController()
process.once('SIGINT', () => interrupt.abort())

await mkdir('out', { recursive: true })
const detector = await loadDetector('resnet101-voc')
let done = 0
try {
  for await (const outcome of detectAll(detector, photos, { minScore: 0.5, signal: interrupt.signal })) {
    done += 1
    if ('error' in outcome) {
      console.error(outcome.error.message)
      continue
    }
    const target = join('out', `${basename(outcome.input)}.png`)
    await writeFile(target, await drawDetections(outcome.input, outcome.result.detections, { format: 'png' }))
    console.log(target, outcome.result.detections.length, 'objects')
  }
} catch (error) {
  if (error.code !== 'ABORTED') throw error
  console.error(`Stopped after ${done} of ${photos.length} photos.`)
  process.exitCode = 130
} finally {
  await detector.dispose()
}
