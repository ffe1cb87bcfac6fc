import { beforeAll, describe, expect, it } from 'vitest'
import type { Detector } from '../../src/detector/detector.ts'
import { cosineSimilarity } from '../../src/detector/feature-map.ts'
import type { ImageInput } from '../../src/images/decode.node.ts'
import { loadBackbone, loadDetector } from '../../src/load/node.ts'
import type { Manifest } from '../../src/models/manifest.ts'
import type { Progress } from '../../src/progress.ts'
import { errorOf } from '../error-of.ts'
import { testPhoto, tinyModelFolder, tinyRecipe } from '../tiny-model.ts'

let folder: string
let detector: Detector<ImageInput>
const photo = testPhoto(160, 120)

beforeAll(async () => {
  folder = await tinyModelFolder()
  detector = await loadDetector(folder, { device: 'cpu' })
  return () => detector.dispose()
})

describe('detect', () => {
  it('gives boxes inside the photo, best first, of the manifest labels, and says what ran', async () => {
    const { detections, width, height, device, times } = await detector.detect(photo, { minScore: 0.1 })
    expect([width, height]).toEqual([160, 120])
    expect(detections.length).toBeGreaterThan(0)
    expect(detections.length).toBeLessThanOrEqual(20)
    for (const [i, { box, score, label, classIndex, categoryId }] of detections.entries()) {
      const [x, y, w, h] = box
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0)
      expect(x + w).toBeLessThanOrEqual(160.001)
      expect(y + h).toBeLessThanOrEqual(120.001)
      expect(score).toBeGreaterThan(0.1)
      expect(score).toBeLessThanOrEqual(detections[i - 1]?.score ?? 1)
      expect(detector.manifest.labels[classIndex]).toEqual({ name: label, categoryId })
    }
    expect(device.device).toBe('cpu')
    expect(device.reason).toBe('cpu was asked for.')
    expect(Object.values(times).every((ms) => ms >= 0)).toBe(true)
    expect(times.network).toBeGreaterThan(0)
  })

  it('gives the same output for the same input', async () => {
    const first = await detector.detect(photo)
    const second = await detector.detect(photo)
    expect(second.detections).toEqual(first.detections)
  })

  it('gives in a batch what it gives alone, whatever the company', async () => {
    const photos = [photo, testPhoto(100, 200, 2), testPhoto(160, 120, 3), testPhoto(158, 121, 4)]
    const batch = await detector.detectBatch(photos)
    for (const [i, each] of photos.entries()) {
      const alone = await detector.detect(each)
      const together = batch[i]
      expect([together?.width, together?.height]).toEqual([each.width, each.height])
      expect(together?.detections.length).toBe(alone.detections.length)
      for (const [d, { label, score, box }] of alone.detections.entries()) {
        const other = together?.detections[d]
        expect(other?.label).toBe(label)
        expect(other?.score).toBeCloseTo(score, 5)
        for (const [k, value] of box.entries()) expect(other?.box[k]).toBeCloseTo(value, 2)
      }
    }
    expect(await detector.detectBatch([])).toEqual([])
  })

  it('keeps only the wanted classes, scores and count', async () => {
    const all = await detector.detect(photo, { minScore: 0 })
    expect(all.detections).toHaveLength(20)
    const dogs = await detector.detect(photo, { minScore: 0, classes: ['dog'] })
    expect(new Set(dogs.detections.map(({ label }) => label))).toEqual(new Set(['dog']))
    const two = await detector.detect(photo, { minScore: 0, maxDetections: 2 })
    expect(two.detections).toEqual(all.detections.slice(0, 2))
    expect((await detector.detect(photo, { minScore: 1 })).detections).toEqual([])
  })

  it('thins out differently by kind of NMS', async () => {
    const counts: Record<string, number> = {}
    for (const nms of ['per-class', 'agnostic', 'soft-linear', 'soft-gaussian'] as const) {
      const { detections } = await detector.detect(photo, {
        nms,
        minScore: 0.2,
        iouThreshold: 0.3,
        maxDetections: 1000,
      })
      counts[nms] = detections.length
    }
    expect(counts.agnostic).toBeLessThan(counts['per-class'] ?? 0)
    expect(counts['soft-gaussian']).toBeGreaterThan(counts['per-class'] ?? 0)
  })

  it('takes photos of one pixel and of extreme aspect ratio', async () => {
    for (const [width, height] of [
      [1, 1],
      [2000, 1],
      [1, 2000],
    ] as const) {
      const result = await detector.detect(testPhoto(width, height), { minScore: 0 })
      for (const { box } of result.detections) expect(box[0] + box[2]).toBeLessThanOrEqual(width)
    }
  })

  it('sees photos at the size that was asked for', async () => {
    const larger = await loadDetector(folder, { device: 'cpu', inputSize: 256 })
    const shapes = await Promise.all([detector, larger].map((each) => each.backbone.extract(photo, { levels: ['c5'] })))
    expect(shapes.map(({ c5 }) => [c5?.height, c5?.width])).toEqual([
      [3, 4],
      [6, 8],
    ])
    expect(larger.manifest.input.resize).toMatchObject({ rule: 'longer', size: 256 })
    const { detections } = await larger.detect(photo)
    expect(detections).not.toEqual((await detector.detect(photo)).detections)
    await larger.dispose()
  })

  const phasesOf = async (from: Detector<ImageInput>): Promise<string[]> => {
    const seen: Progress[] = []
    await from.detect(photo, { onProgress: (progress) => seen.push(progress) })
    expect(seen.map(({ done, total }) => [done, total])).toEqual(seen.map((_, i) => [i + 1, seen.length]))
    return seen.map(({ phase }) => phase)
  }

  it('reports each stage', async () => {
    const stages = ['decode', 'prepare', 'network', 'proposals', 'pooling', 'head', 'postprocess']
    expect(await phasesOf(detector)).toEqual(stages)
  })

  it('reports each pass of refined boxes', async () => {
    const { head } = detector.manifest as Manifest
    const refining = await loadDetector(await tinyModelFolder({ head: { ...head, refinements: 2 } }), { device: 'cpu' })
    const passes = Array(3).fill(['pooling', 'head']).flat()
    expect(await phasesOf(refining)).toEqual(['decode', 'prepare', 'network', 'proposals', ...passes, 'postprocess'])
    await refining.dispose()
  })
})

describe('wrong options', () => {
  it.each([
    [{ minScore: 2 }, 'INVALID_ARGUMENT: Expected a number from 0 to 1 for minScore but received 2.'],
    [{ minScore: Number.NaN }, 'INVALID_ARGUMENT: Expected a number from 0 to 1 for minScore but received NaN.'],
    [{ maxDetections: 0 }, 'INVALID_ARGUMENT: Expected a whole number of at least 1 for maxDetections but received 0.'],
    [
      { classes: ['cow'] },
      'INVALID_ARGUMENT: Expected labels of this model (cat, dog, person) for classes but received "cow".',
    ],
    [{ classes: [] }, 'INVALID_ARGUMENT: Expected a list of labels for classes but received [].'],
    [{ iouThreshold: -1 }, 'INVALID_ARGUMENT: Expected a number from 0 to 1 for iouThreshold but received -1.'],
  ])('%j', async (options, message) => {
    expect(await errorOf(detector.detect(photo, options))).toBe(message)
  })

  it('names the devices there are', async () => {
    const device = 'tpu' as 'cpu'
    expect(await errorOf(loadDetector(folder, { device }))).toBe(
      'INVALID_ARGUMENT: Expected one of auto, cuda, tensorrt, dml, coreml, webgpu, webnn, cpu, wasm for device but received "tpu".',
    )
    expect(await errorOf(loadDetector(folder, { inputSize: 12 }))).toMatch(/^INVALID_ARGUMENT: .* for inputSize/)
    expect(await errorOf(loadDetector(folder, { threads: 0 }))).toMatch(/^INVALID_ARGUMENT: .* for threads/)
  })

  it('is about the model when it is no name, path or URL', async () => {
    for (const model of [undefined, '', 'http://', new URL('ftp://example.org/model')]) {
      expect(await errorOf(loadDetector(model as string))).toMatch(/^INVALID_ARGUMENT: Expected the name .* for model/)
    }
  })

  it('refuses a device that is not here', async () => {
    const missing = process.platform === 'win32' ? 'coreml' : 'dml'
    expect(await errorOf(loadDetector(folder, { device: missing }))).toMatch(/^DEVICE_UNAVAILABLE: Expected a device/)
  })
})

describe('memory that is not there', () => {
  it('is one clear sentence, and the detector goes on', async () => {
    const { input } = tinyRecipe().manifest
    const resize = { rule: 'exact', width: 60_000, height: 60_000, filter: 'bilinear', output: 'uint8' } as const
    const huge = await loadDetector(await tinyModelFolder({ input: { ...input, resize } }), { device: 'cpu' })
    expect(await errorOf(huge.detect(photo))).toMatch(/^OUT_OF_MEMORY: There was not enough memory for the input/)
    expect(await errorOf(huge.backbone.extract(photo))).toMatch(/^OUT_OF_MEMORY/)
    await huge.dispose()
  })
})

describe('an AbortSignal', () => {
  it('stops before, during and not after', async () => {
    const reason = new Error('no longer wanted')
    const before = detector.detect(photo, { signal: AbortSignal.abort(reason) })
    await expect(before).rejects.toMatchObject({ code: 'ABORTED', cause: reason })
    const during = new AbortController()
    const phases: string[] = []
    const work = detector.detect(photo, {
      signal: during.signal,
      onProgress: ({ phase }) => {
        phases.push(phase)
        if (phase === 'network') during.abort(reason)
      },
    })
    await expect(work).rejects.toMatchObject({ code: 'ABORTED', cause: reason })
    expect(phases.at(-1)).toBe('network')
    const after = new AbortController()
    const result = await detector.detect(photo, { signal: after.signal })
    after.abort(reason)
    expect(result.detections.length).toBeGreaterThan(0)
  })

  it('stops loading', async () => {
    expect(await errorOf(loadDetector(folder, { signal: AbortSignal.abort() }))).toMatch(/^ABORTED/)
    const controller = new AbortController()
    const work = loadDetector(folder, { signal: controller.signal, onProgress: () => controller.abort() })
    expect(await errorOf(work)).toMatch(/^ABORTED/)
  })
})

describe('backbone', () => {
  it('describes its levels without running', () => {
    expect(detector.backbone.features.map(({ name, channels, stride }) => [name, channels, stride])).toEqual([
      ['c2', 8, 4],
      ['c3', 16, 8],
      ['c4', 32, 16],
      ['c5', 64, 32],
      ['p3', 16, 8],
      ['p4', 16, 16],
      ['p5', 16, 32],
      ['p6', 16, 64],
    ])
  })

  it('extracts the levels of the backbone, and of the pyramid where asked', async () => {
    const maps = await detector.backbone.extract(photo)
    expect(Object.keys(maps)).toEqual(['c2', 'c3', 'c4', 'c5'])
    expect(maps.c3).toMatchObject({ channels: 16, stride: 8, width: 16, height: 12 })
    expect(maps.c3?.data.length).toBe(16 * 16 * 12)
    const { c4, p3 } = await detector.backbone.extract(photo, { levels: ['c4', 'p3'] })
    expect(c4?.channels).toBe(32)
    expect(p3).toMatchObject({ channels: 16, stride: 8, width: 16, height: 12 })
    expect(await errorOf(detector.backbone.extract(photo, { levels: ['c9'] }))).toMatch(
      /c2, c3, c4, c5, p3, p4, p5, p6/,
    )
  })

  it('embeds and compares', async () => {
    const vector = await detector.backbone.embed(photo)
    expect(vector.length).toBe(64)
    expect((await detector.backbone.embed(photo, { level: 'p5' })).length).toBe(16)
    expect(await detector.backbone.similar(photo, photo)).toBeCloseTo(1, 6)
    // 1.0000000000000002 by its sums.
    expect(cosineSimilarity(Float32Array.of(0.1, 1), Float32Array.of(0.1, 1))).toBe(1)
    expect(await detector.backbone.similar(photo, testPhoto(50, 90, 9))).toBeLessThan(0.9999)
  })

  it('is the same when loaded alone', async () => {
    await using backbone = await loadBackbone(folder, { device: 'cpu' })
    expect(await backbone.embed(photo)).toEqual(await detector.backbone.embed(photo))
  })
})

describe('dispose', () => {
  it('ends the detector for good, after running calls', async () => {
    const own = await loadDetector(folder, { device: 'cpu' })
    const running = own.detect(photo)
    await own.dispose()
    await own.dispose()
    expect(await errorOf(running)).toBe('no error')
    expect(await errorOf(own.detect('no-such-file.jpg'))).toMatch(/^DISPOSED/)
    expect(await errorOf(own.detectBatch([]))).toMatch(/^DISPOSED/)
    expect(await errorOf(own.backbone.extract(photo))).toMatch(/^DISPOSED/)
  })
})
