import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { ConvertedModel } from '../../src/convert/store-model.ts'
import { selectProposals } from '../../src/heads/proposals.ts'
import { inputTensor, type RgbImage } from '../../src/images/index.ts'
import { loadDetector } from '../../src/load/node.ts'
import type { Manifest } from '../../src/models/manifest.ts'
import { decodeModel } from '../../src/onnx/index.ts'
import { type Result, runModel } from '../architectures/run-model.ts'
import { temporaryFolder, writeModelFolder } from '../tiny-model.ts'
import type { Expected } from './dialect-fixture.ts'

const FEATURE_TOLERANCE = 1e-4
/** In pixels, and as a probability. */
const TOLERANCE = { box: 0.5, score: 0.002 }

type Tolerance = typeof TOLERANCE

/** Where two scores or overlaps are equal to the last bits, NMS keeps another box here than there: at most one a photo. */
const STRAYS = 1

/**
 * The maps of the backbone to 1e-4 of the largest value, and the best proposals. Gives the largest differences: of maps as a share of
 * their largest value, of proposals in pixels.
 */
export async function expectSameMaps(
  { manifest, files }: ConvertedModel,
  photo: RgbImage,
  expected: Expected,
  { box: nearness }: Tolerance = TOLERANCE,
): Promise<{ features: number; proposals: number }> {
  const graph = (key: keyof Manifest['graphs']) =>
    decodeModel(files.get(manifest.graphs[key].file) ?? new Uint8Array(0))
  const input = inputTensor(manifest.input, [photo])
  expect(input.dims).toEqual(expected.input)
  const maps = await runModel(graph('backbone'), { image: input })
  const features = expectNearMaps(maps, expected.features)

  const wanted = new Set(graph('rpn').graph.inputs.map((value) => value.name))
  const rpn = await runModel(graph('rpn'), Object.fromEntries(Object.entries(maps).filter(([key]) => wanted.has(key))))
  const levels = manifest.anchors.levels.map(({ feature }) => {
    const [objectness, deltas] = [rpn[`objectness_${feature}`], rpn[`deltas_${feature}`]]
    if (!objectness || !deltas) throw new Error(`no ${feature}`)
    const [, , height = 0, width = 0] = objectness.dims
    return { objectness: objectness.data, deltas: deltas.data, height, width }
  })
  const [placement] = input.placements
  const size = { width: placement?.inputWidth ?? 0, height: placement?.inputHeight ?? 0 }
  const padded = { width: input.dims[3], height: input.dims[2] }
  const { boxes } = selectProposals(levels, 0, size, padded, manifest.anchors, manifest.rpn)
  const found = Array.from({ length: boxes.length / 4 }, (_, i) => boxes.subarray(i * 4, i * 4 + 4))
  const distances = expected.proposals.map((box) => Math.min(...found.map((each) => distance(each, box))))
  const near = distances.filter((pixels) => pixels < nearness)
  expect(distances.length - near.length, 'proposals that are not there').toBeLessThanOrEqual(STRAYS)
  return { features, proposals: Math.max(...near) }
}

/** Maps to 1e-4 of their largest value; gives the largest difference. */
export function expectNearMaps(maps: Readonly<Record<string, Result>>, expected: Expected['features']): number {
  const worst = Object.entries(expected).map(([level, { shape, largest, values }]) => {
    const map = maps[level]
    expect(map?.dims, level).toEqual(shape)
    const size = map?.data.length ?? 0
    const errors = values.map((value, i) =>
      Math.abs(value - (map?.data[Math.floor((i * size) / values.length)] as number)),
    )
    expect(Math.max(...errors) / largest, level).toBeLessThan(FEATURE_TOLERANCE)
    return Math.max(...errors) / largest
  })
  return Math.max(...worst)
}

/** The detections of the whole detector: same class, near boxes, near scores. Gives the largest differences. */
export async function expectSameDetections(
  model: ConvertedModel,
  photo: RgbImage,
  expected: Expected,
  tolerance: Tolerance = TOLERANCE,
): Promise<Tolerance> {
  const folder = await writeModelFolder(join(temporaryFolder(), 'model'), model)
  const detector = await loadDetector(folder, { device: 'cpu' })
  const { detections } = await detector.detect({ ...photo, channels: 3 })
  await detector.dispose()
  rmSync(folder, { recursive: true })
  expect(Math.abs(detections.length - expected.boxes.length)).toBeLessThanOrEqual(STRAYS)
  const near = expected.boxes.flatMap((corners, i) => {
    const candidates = detections
      .filter(({ classIndex }) => classIndex === expected.classes[i])
      .map(({ box: [x, y, width, height], score }) => ({
        box: distance([x, y, x + width, y + height], corners),
        score: Math.abs(score - (expected.scores[i] as number)),
      }))
      .filter(({ box, score }) => box < tolerance.box && score < tolerance.score)
    return candidates.sort((a, b) => a.box - b.box).slice(0, 1)
  })
  expect(expected.boxes.length - near.length, 'detections that are not there').toBeLessThanOrEqual(STRAYS)
  return { box: Math.max(...near.map(({ box }) => box)), score: Math.max(...near.map(({ score }) => score)) }
}

/** The largest of the four differences. */
function distance(box: ArrayLike<number>, other: ArrayLike<number>): number {
  return Math.max(...[0, 1, 2, 3].map((side) => Math.abs((box[side] as number) - (other[side] as number))))
}
