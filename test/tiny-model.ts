import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { resnet } from '../src/architectures/resnet.ts'
import { convertDetector } from '../src/convert/convert.ts'
import type { Recipe } from '../src/convert/recipe.ts'
import type { ConvertedModel } from '../src/convert/store-model.ts'
import type { Manifest, ModelManifest } from '../src/models/manifest.ts'
import { randomWeights } from '../src/weights/random.ts'

/** A real detector, only small and untrained: a ResNet of width 8 with a pyramid of 16 channels and three classes. */
export function tinyRecipe(changes: Partial<Recipe['manifest']> = {}): Recipe {
  return {
    weights: randomWeights(7),
    network: {
      backbone: resnet(18, { width: 8, stages: [1, 1, 1, 1] }),
      levels: ['c3', 'c4', 'c5'],
      pyramid: { channels: 16, extraLevel: true },
      rpnChannels: 16,
      roiBody: { kind: 'fc', channels: 32 },
    },
    manifest: {
      format: 'vertebra-model',
      version: 1,
      name: 'tiny',
      description: 'Random weights, for tests.',
      architecture: 'Faster R-CNN, ResNet of width 8, feature pyramid of 16 channels',
      labels: [
        { name: 'cat', categoryId: 17 },
        { name: 'dog', categoryId: 18 },
        { name: 'person', categoryId: 1 },
      ],
      input: {
        channels: 'rgb',
        mean: [127.5, 127.5, 127.5],
        std: [127.5, 127.5, 127.5],
        resize: { rule: 'longer', size: 128, rounding: 'nearest', filter: 'antialias', output: 'uint8' },
        padMultiple: 32,
      },
      anchors: {
        levels: [
          { feature: 'p3', stride: 8, sizes: [16] },
          { feature: 'p4', stride: 16, sizes: [32] },
          { feature: 'p5', stride: 32, sizes: [64] },
          { feature: 'p6', stride: 64, sizes: [128] },
        ],
        aspectRatios: [0.5, 1, 2],
        order: 'ratio-major',
        rounded: true,
        offset: 0,
        strideRule: 'exact',
      },
      rpn: {
        preNmsTopN: 100,
        postNmsTopN: 30,
        nmsThreshold: 0.7,
        minSize: 0.001,
        scoreThreshold: 0,
        boxCoder: { weights: [1, 1, 1, 1], clamp: Math.log(1000 / 16) },
      },
      roi: {
        levels: ['p3', 'p4', 'p5'],
        canonicalScale: 224,
        canonicalLevel: 4,
        minLevel: 3,
        pooling: 'align',
        outputSize: 7,
        samplingRatio: 2,
        aligned: false,
      },
      head: {
        boxCoder: { weights: [10, 10, 5, 5], clamp: Math.log(1000 / 16) },
        classAgnostic: false,
        scoreThreshold: 0.05,
        nms: { kind: 'per-class', iouThreshold: 0.5 },
        minSize: 0.01,
        maxDetections: 20,
      },
      source: { weights: 'random numbers', licence: 'none', citations: [] },
      metrics: [],
      ...changes,
    },
  }
}

export async function writeModelFolder(folder: string, model: ConvertedModel<ModelManifest>): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (const [name, content] of model.files) await writeFile(join(folder, name), content)
  return folder
}

/** The manifest of a tiny model that has no files. */
export function tinyManifest(): Manifest {
  const graph = { file: 'x.onnx', bytes: 1, sha256: '0'.repeat(64), precision: 'float32' } as const
  return {
    ...tinyRecipe().manifest,
    features: [],
    pyramid: [],
    graphs: { backbone: graph, rpn: graph, roiHead: graph },
  }
}

/** Writes the tiny model into a new temporary folder, which is removed after the file's tests. */
export async function tinyModelFolder(changes: Partial<Recipe['manifest']> = {}): Promise<string> {
  return writeModelFolder(join(temporaryFolder(), 'tiny'), await convertDetector(tinyRecipe(changes)))
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vertebra-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A photo of smooth colours and some noise, the same every time. */
export function testPhoto(
  width: number,
  height: number,
  seed = 1,
): { width: number; height: number; channels: 3; data: Uint8Array } {
  const data = new Uint8Array(width * height * 3)
  let state = seed
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const x = Math.floor(i / 3) % width
    data[i] = ((x * 255) / width) * 0.7 + (state >>> 24) * 0.3
  }
  return { width, height, channels: 3, data }
}
