import type { Weights } from '../weights/weights.ts'
import { type Checkpoint, outputsOf } from './checkpoint.ts'

/**
 * Where a head has a box for the background: nowhere (Detectron2, MMDetection 2), before those of the classes, or also before the
 * one box of all classes (Caffe2's Detectron).
 */
export type BackgroundRows = 'none' | 'per-class' | 'always'

const BOX = 4

/** Whether a head has one box for all classes: four rows, where one class alone has more, or another number of classes. */
export function isClassAgnostic(source: Checkpoint, background: BackgroundRows): boolean {
  const rows = outputsOf(source, 'head.deltas.weight')
  // Without a background a single class has one box either way.
  const isSingle = outputsOf(source, 'head.scores.weight') === 2
  if (background === 'none') return rows === BOX && !isSingle
  return rows === BOX || (background === 'always' && rows === 2 * BOX && !isSingle)
}

/** Weights whose one box for all classes may stand behind one for the background, which nothing reads. */
export function lastBox(source: Checkpoint): Weights {
  const rows = outputsOf(source, 'head.deltas.weight')
  return {
    ...source.weights,
    tensor(name, shape) {
      if (!/^head\.deltas\.\w+$/.test(name)) return source.weights.tensor(name, shape)
      const stored = source.weights.tensor(name, [rows, ...shape.slice(1)])
      return stored.subarray(stored.length - (stored.length / rows) * BOX)
    },
  }
}
