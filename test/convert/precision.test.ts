import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import type { Recipe } from '../../src/convert/recipe.ts'
import { loadDetector } from '../../src/load/node.ts'
import { floatBitsToHalf, halfToNumber } from '../../src/onnx/half.ts'
import { decodeModel } from '../../src/onnx/index.ts'
import { seededRandom } from '../../src/random.ts'
import { temporaryFolder, tinyRecipe, writeModelFolder } from '../tiny-model.ts'
import { readPhoto } from './dialect-fixture.ts'

const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0

describe('float16', () => {
  it('every one of them comes back', () => {
    const halves = Array.from({ length: 0x10000 }, (_, half) => half)
    const finite = halves.filter((half) => Number.isFinite(halfToNumber(half)))
    expect(finite).toHaveLength(2 * 31 * 1024)
    expect(finite.filter((half) => floatBitsToHalf(bitsOf(halfToNumber(half))) !== half)).toEqual([])
  })

  it('a number becomes its nearest, halves the even one', () => {
    const next = seededRandom(3)
    const wrong: number[] = []
    for (let i = 0; i < 20_000; i++) {
      const value = Math.fround((next() * 2 - 1) * 2 ** Math.floor(next() * 42 - 26))
      if (Math.abs(value) >= 65504) continue
      const half = floatBitsToHalf(bitsOf(value))
      const error = Math.abs(halfToNumber(half) - value)
      const neighbours = [half - 1, half + 1].map((other) => Math.abs(halfToNumber(other & 0xffff) - value))
      if (neighbours.some((other) => other < error)) wrong.push(value)
    }
    expect(wrong).toEqual([])
    // 1 + 2^-11 lies between 1 and 1 + 2^-10; 1 + 3 * 2^-11 between that and 1 + 2^-9.
    expect(halfToNumber(floatBitsToHalf(bitsOf(1 + 2 ** -11)))).toBe(1)
    expect(halfToNumber(floatBitsToHalf(bitsOf(1 + 3 * 2 ** -11)))).toBe(1 + 2 ** -9)
    expect(floatBitsToHalf(bitsOf(2 ** -25))).toBe(0)
    expect(floatBitsToHalf(bitsOf(65520))).toBe(0x7c00)
    expect(floatBitsToHalf(bitsOf(-1e30))).toBe(0xfc00)
  })
})

describe('convertDetector with float16', () => {
  const recipe = tinyRecipe()

  it('stores two bytes a weight, and detects as with float32', async () => {
    const models = await Promise.all(
      (['float16', 'float32'] as const).map((form) => convertDetector(tinyRecipe(), form)),
    )
    const sizes = models.map(({ files }) => [...files.values()].reduce((sum, { length }) => sum + length, 0))
    expect((sizes[0] ?? 0) / (sizes[1] ?? 1)).toBeLessThan(0.65)
    const [half] = models
    expect(half?.manifest.graphs.backbone.precision).toBe('float16')
    const { initializers, nodes } = decodeModel(half?.files.get('roi-head.onnx') ?? new Uint8Array(0)).graph
    expect(initializers.get('head.fc6.weight.half')?.dataType).toBe('float16')
    expect(nodes.filter(({ opType }) => opType === 'Cast').length).toBeGreaterThan(0)

    const found = await Promise.all(
      models.map(async (model, i) => {
        const folder = await writeModelFolder(join(temporaryFolder(), `model-${i}`), model)
        const detector = await loadDetector(folder, { device: 'cpu' })
        const { detections } = await detector.detect({ ...readPhoto(), channels: 3 }, { minScore: 0 })
        await detector.dispose()
        return detections
      }),
    )
    const [first = [], second = []] = found
    expect(first.length).toBeGreaterThan(0)
    const best = second.slice(0, 5)
    for (const { classIndex, score } of best) {
      expect(first.some((each) => each.classIndex === classIndex && Math.abs(each.score - score) < 0.01)).toBe(true)
    }
  })

  it('refuses a weight that float16 does not have', async () => {
    const { weights } = recipe
    const large: Recipe = {
      ...recipe,
      weights: {
        ...weights,
        tensor: (name, shape) =>
          name === 'head.fc6.weight' ? weights.tensor(name, shape).fill(1e5) : weights.tensor(name, shape),
      },
    }
    await expect(convertDetector(large, 'float16')).rejects.toThrow(
      /numbers up to 65504, as float16 has them, for weight "head\.fc6\.weight" but received 100000/,
    )
  })
})

describe('convertDetector with a place for its files', () => {
  it('saves each as it is made, the manifest last, and keeps none', async () => {
    const saved = new Map<string, Uint8Array>()
    const save = async (name: string, content: Uint8Array) => void saved.set(name, content)
    const { files, manifest } = await convertDetector(tinyRecipe(), 'float32', { save })
    expect(files.size).toBe(0)
    const kept = await convertDetector(tinyRecipe(), 'float32')
    expect([...saved.keys()]).toEqual(['roi-head.onnx', 'rpn.onnx', 'backbone.onnx', 'model.json'])
    expect(saved).toEqual(kept.files)
    expect(manifest).toEqual(kept.manifest)
  })

  it('saves nothing when the manifest is wrong', async () => {
    const names: string[] = []
    const save = async (name: string) => void names.push(name)
    await expect(convertDetector(tinyRecipe({ name: 'Not A Name' }), 'float32', { save })).rejects.toThrow(/name/)
    expect(names).toEqual([])
  })
})
