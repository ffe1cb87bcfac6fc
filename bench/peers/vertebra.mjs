// This library: node vertebra.mjs FOLDER THREADS fp32|int8. See peer.py.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadDetector } from 'vertebra'
import { folder, photos, serve, threads } from './peer.mjs'

const form = process.argv[4]
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const detector = await loadDetector(join(folder, `vertebra-${form}`), { device: 'cpu', threads })

await serve(`vertebra ${form}`, `vertebra ${version}`, photos(), async (photo) => {
  const { detections, times } = await detector.detect(photo)
  return { found: detections.length, stages: times }
})
