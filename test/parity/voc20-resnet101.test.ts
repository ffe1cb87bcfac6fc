import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { vertebraDetector } from '../../src/convert/vertebra-detector.ts'
import type { DetectionResult } from '../../src/detector/result.ts'
import { loadDetector } from '../../src/load/node.ts'
import { readSafetensors } from '../../src/weights/containers/safetensors.ts'
import { temporaryFolder, writeModelFolder } from '../tiny-model.ts'

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url))
const weights = join(shared, 'data/init/voc20-resnet101.safetensors')
const fixture = join(shared, 'fixtures/voc20-resnet101.json')
const photos = join(shared, 'data/voc20-test/images')
const isHere = [weights, fixture, photos].every((path) => existsSync(path))
if (!isHere) console.warn('Skipped: the starting weights and photos of ../shared are not here.')

const BOX_TOLERANCE = 0.5
const SCORE_TOLERANCE = 0.002

type Expected = readonly [label: number, score: number, x1: number, y1: number, x2: number, y2: number]
interface Fixture {
  readonly photos: readonly { readonly file_name: string; readonly detections: readonly Expected[] }[]
}

describe.skipIf(!isHere)('the starting weights against another PyTorch implementation', () => {
  it('give the same detections on 20 photos: boxes to 0.5 px, scores to 0.002', { timeout: 300_000 }, async () => {
    const config = readFileSync(new URL('../fixtures/convert/starting-config.json', import.meta.url), 'utf8')
    const file = readSafetensors(readFileSync(weights))
    const folder = join(temporaryFolder(), 'voc20')
    await writeModelFolder(folder, await convertDetector(vertebraDetector(file, {}, config)))
    const detector = await loadDetector(folder, { device: 'cpu' })
    const { photos: expected } = JSON.parse(readFileSync(fixture, 'utf8')) as Fixture
    expect(expected).toHaveLength(20)
    let worst = { box: 0, score: 0 }
    for (const { file_name, detections } of expected) {
      const result = await detector.detect(join(photos, file_name))
      expect(result.detections, file_name).toHaveLength(detections.length)
      const difference = compare(detections, result)
      worst = { box: Math.max(worst.box, difference.box), score: Math.max(worst.score, difference.score) }
    }
    await detector.dispose()
    expect(worst.box).toBeLessThan(BOX_TOLERANCE)
    expect(worst.score).toBeLessThan(SCORE_TOLERANCE)
  })
})

/** Each expected detection takes the nearest one of its class that is still free. */
function compare(expected: readonly Expected[], { detections }: DetectionResult): { box: number; score: number } {
  const free = new Set(detections)
  const worst = { box: 0, score: 0 }
  for (const [label, score, x1, y1, x2, y2] of expected) {
    let best = { distance: Number.POSITIVE_INFINITY, detection: detections[0] }
    for (const detection of free) {
      // The reference counts labels from 1: 0 is background.
      if (detection.classIndex !== label - 1) continue
      const [x, y, width, height] = detection.box
      const distance = Math.max(...[x - x1, y - y1, x + width - x2, y + height - y2].map(Math.abs))
      if (distance < best.distance) best = { distance, detection }
    }
    worst.box = Math.max(worst.box, best.distance)
    worst.score = Math.max(worst.score, Math.abs((best.detection?.score ?? 0) - score))
    if (best.detection) free.delete(best.detection)
  }
  return worst
}
