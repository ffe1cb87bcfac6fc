import { beforeAll, expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { runPipeline } from '../../src/detector/pipeline.ts'
import { createStopwatch } from '../../src/detector/stopwatch.ts'
import type { Manifest } from '../../src/models/manifest.ts'
import type { Session, Tensors } from '../../src/runtime/runtime.ts'
import { errorOf } from '../error-of.ts'
import { testPhoto, tinyRecipe } from '../tiny-model.ts'

let manifest: Manifest
beforeAll(async () => {
  ;({ manifest } = await convertDetector(tinyRecipe()))
})

it.each(['network', 'proposals', 'pooling', 'head'])(
  'gives back maps on the device when it is aborted after %s',
  async (last) => {
    let held = 0
    const session: Session = {
      inputs: [],
      outputs: [],
      async run(feeds): Promise<Tensors> {
        const zeros = (...dims: number[]) => ({ dims, data: new Float32Array(dims.reduce((a, b) => a * b)) })
        if (!('image' in feeds)) return { class_logits: zeros(0, 4), box_deltas: zeros(0, 16) }
        return Object.fromEntries(
          [16, 8, 4, 2].flatMap((side, i) => {
            const level = `p${i + 3}`
            held += 1
            return [
              [`objectness_${level}`, zeros(1, 3, side, side)],
              [`deltas_${level}`, zeros(1, 12, side, side)],
              [level, { dims: [1, 16, side, side], held: {}, release: () => void held-- }],
            ]
          }),
        )
      },
      async dispose() {},
    }
    const controller = new AbortController()
    const run = runPipeline(
      {
        manifest,
        sessions: { open: async () => session, precision: 'float32', roiPooling: 'grid-sample', pooledMaps: undefined },
        selection: { head: manifest.head, classes: undefined },
        stopwatch: createStopwatch(),
        signal: controller.signal,
        onStage: (stage) => stage === last && controller.abort(),
      },
      [testPhoto(128, 128)],
    )
    expect(await errorOf(run)).toMatch(/^ABORTED/)
    expect(held).toBe(0)
  },
)
