import {
  BOOTSTRAP_FIGURES,
  type BootstrapSamples,
  bootstrap,
  bootstrapDifference,
  errorBreakdown,
  evaluateCoco,
  evaluateVoc,
  operatingPoint,
} from '../evaluate/index.ts'
import type { CocoInstances, CocoResult } from '../formats/index.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import type { ComparedScores, ModelScores, ScoreDifferences } from './comparison.ts'

export interface CompareOptions extends WorkOptions {
  /** Score from which precision, recall and F1 count. Default 0.5. */
  readonly at?: number | undefined
}

/** With objects on fewer images than this, a class gets no interval: it would claim more than they can tell. */
const FEW_IMAGES = 10

/**
 * Scores the results of two or more models on one dataset, with the 95 % intervals of their differences to the first
 * model's figures (paired bootstrap over images). The same input always gives the same numbers.
 *
 * @param results one list per model, with the dataset's category ids.
 * @throws VertebraError `DATA_INVALID` for a result of an unknown image; `ABORTED`.
 *
 * @example
 * const { models } = await compareScores(dataset, [resultsA, resultsB])
 * console.log(models[1]?.differences?.figures.AP)
 */
export async function compareScores(
  dataset: CocoInstances,
  results: readonly (readonly CocoResult[])[],
  { at = 0.5, signal, onProgress }: CompareOptions = {},
): Promise<ComparedScores> {
  const models: ModelScores[] = []
  let first: BootstrapSamples | undefined
  const total = results.length * 2
  let done = 0
  // Between two heavy steps, so that an interrupt is seen.
  const pause = async (): Promise<void> => {
    onProgress?.({ phase: 'score', done: ++done, total })
    await new Promise((resolve) => setTimeout(resolve))
    throwIfAborted(signal)
  }
  for (const own of results) {
    const scores = {
      coco: evaluateCoco(dataset, own),
      voc: evaluateVoc(dataset, own),
      point: operatingPoint(dataset, own, { minScore: at }),
      errors: errorBreakdown(dataset, own),
    }
    await pause()
    const samples = bootstrap(dataset, own)
    await pause()
    models.push({ ...scores, differences: first && differences(first, samples) })
    first ??= samples
  }
  const few = first?.perClass.filter(({ images }) => images > 0 && images < FEW_IMAGES).length ?? 0
  const warnings =
    few === 0
      ? []
      : [
          `${few} of ${dataset.categories.length} classes have objects on fewer than ${FEW_IMAGES} photos: they get no interval, ` +
            'and the intervals of AP and mAP, which are means over the classes, are narrower than they should be.',
        ]
  const objects = models[0]?.coco.perClass.reduce((sum, { objects: count }) => sum + count, 0) ?? 0
  return { images: dataset.images.length, objects, categories: dataset.categories.length, at, models, warnings }
}

function differences(a: BootstrapSamples, b: BootstrapSamples): ScoreDifferences {
  return {
    figures: Object.fromEntries(
      BOOTSTRAP_FIGURES.map((figure) => [figure, bootstrapDifference(a.figures[figure], b.figures[figure])]),
    ),
    perClass: b.perClass.map(({ AP, images }, k) =>
      images < FEW_IMAGES ? { low: Number.NaN, high: Number.NaN } : bootstrapDifference(a.perClass[k]?.AP ?? AP, AP),
    ),
  }
}
