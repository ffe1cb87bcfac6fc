import { expect, it } from 'vitest'
import { runSecondStage } from '../../src/detector/second-stage.ts'
import type { Stage } from '../../src/detector/stopwatch.ts'
import type { Feed, Session } from '../../src/runtime/runtime.ts'
import { tinyRecipe } from '../tiny-model.ts'

// A head for a single level that moves every box 10 pixels to the right and gives x1 as the logit of class 1.
const passes: number[][] = []
const head: Session = {
  inputs: [],
  outputs: [],
  async run(feeds) {
    const { data, dims } = feeds.rois_p3 as Extract<Feed, { dataType: 'float32' }>
    const rows = dims[0] ?? 0
    passes.push(Array.from(data, Number).filter((_, i) => i % 4 === 0))
    const logits = new Float32Array(rows * 4)
    const deltas = new Float32Array(rows * 4)
    for (let row = 0; row < rows; row++) {
      logits[row * 4 + 1] = data[row * 4] as number
      deltas[row * 4] = 5 // of 10 for a width, and boxes are 20 wide
    }
    return { class_logits: { dims: [rows, 4], data: logits }, box_deltas: { dims: [rows, 4], data: deltas } }
  },
  async dispose() {},
}

async function outputsOf(refinements?: number) {
  passes.length = 0
  const { labels, roi, head: rules } = tinyRecipe().manifest
  const boxCoder = { weights: [10, 10, 5, 5], clamp: 4 } as const
  const manifest = {
    labels,
    pyramid: [{ name: 'p3', channels: 1, stride: 8 }],
    roi: { ...roi, levels: ['p3'], minLevel: 3 },
    head: { ...rules, boxCoder, classAgnostic: true, refinements },
  }
  const stages: Stage[] = []
  const outputs = await runSecondStage(
    manifest,
    { open: async () => head, precision: 'float32', roiPooling: 'operator' },
    { tensors: { p3: { dims: [2, 1, 8, 8], data: new Float32Array(128) } } },
    [
      { boxes: Float32Array.of(0, 0, 20, 20, 10, 0, 30, 20), scores: Float32Array.of(1, 1) },
      { boxes: new Float32Array(0), scores: new Float32Array(0) },
      { boxes: Float32Array.of(40, 0, 60, 20), scores: Float32Array.of(1) },
    ],
    Array(3).fill({ width: 64, height: 64 }),
    (stage) => stages.push(stage),
  )
  return { outputs, stages }
}

it('runs once where the manifest asks for no more', async () => {
  const { outputs, stages } = await outputsOf()
  expect(passes).toEqual([[0, 10, 40]])
  expect(stages).toEqual(['pooling', 'head'])
  expect(outputs.map(({ proposals }) => proposals.length / 4)).toEqual([2, 0, 1])
})

it('feeds the boxes back, and gives the mean of the logits with the proposals of the last pass', async () => {
  const { outputs, stages } = await outputsOf(2)
  expect(passes.map((xs) => xs.slice(0, 2))).toEqual([
    [0, 10],
    [10, 20],
    [20, 30],
  ])
  expect(passes[1]?.[2]).toBe(50)
  expect(stages).toEqual(['pooling', 'head', 'pooling', 'head', 'pooling', 'head'])
  expect(Array.from(outputs[0]?.proposals ?? [])).toEqual([20, 0, 40, 20, 30, 0, 50, 20])
  expect(outputs[0]?.logits[1]).toBe(10)
  expect(outputs[0]?.logits[5]).toBe(20)
})
