import { VertebraError } from '../errors.ts'
import type {
  ClassifierManifest,
  DetectorManifest,
  FeaturesManifest,
  Manifest,
  ModelManifest,
  WholeManifest,
} from './manifest.ts'

/** What a model folder is for. */
export interface Tasks {
  /** A detector of three graphs. */
  readonly detect: Manifest
  /** A detector of one. */
  readonly 'detect-whole': WholeManifest
  readonly features: FeaturesManifest
  readonly classify: ClassifierManifest
}

const TITLES: Readonly<Record<keyof Tasks, readonly [title: string, use: string]>> = {
  detect: ['a detector', 'loadDetector and "vertebra detect"'],
  'detect-whole': ['a detector in one graph', 'loadDetector and "vertebra detect" only'],
  features: ['a backbone without a head', 'loadBackbone, "vertebra features" and "vertebra similar"'],
  classify: ['a classifier', 'loadClassifier and "vertebra classify"'],
}

export function taskOf({ task = 'detect' }: ModelManifest): keyof Tasks {
  return task
}

/** The manifest of a model that has a backbone. */
export type BackboneManifest = Exclude<ModelManifest, WholeManifest>

/** Whether a model is for a task. */
export function isFor<Task extends keyof Tasks>(manifest: ModelManifest, task: Task): manifest is Tasks[Task] {
  return taskOf(manifest) === task
}

/** @throws VertebraError `MODEL_INVALID` when a model is for another task, with what it can be used for. */
export function requireTask<Task extends keyof Tasks>(manifest: ModelManifest, task: Task): Tasks[Task] {
  if (isFor(manifest, task)) return manifest
  throw wrongTask(manifest, TITLES[task][0])
}

/**
 * A detector in whatever number of graphs.
 * @throws VertebraError `MODEL_INVALID` when a model does not detect, with what it can be used for.
 */
export function requireDetector(manifest: ModelManifest): DetectorManifest {
  if (isFor(manifest, 'detect') || isFor(manifest, 'detect-whole')) return manifest
  throw wrongTask(manifest, TITLES.detect[0])
}

/** @throws VertebraError `MODEL_INVALID` when a model has no backbone that could be used alone. */
export function requireBackbone(manifest: ModelManifest): BackboneManifest {
  if (!isFor(manifest, 'detect-whole')) return manifest
  throw wrongTask(manifest, 'a backbone that gives feature maps')
}

function wrongTask(manifest: ModelManifest, expected: string): VertebraError {
  const [title, use] = TITLES[taskOf(manifest)]
  const message = `Expected ${expected} but the model "${manifest.name}" is ${title}, which is for ${use}.`
  return new VertebraError('MODEL_INVALID', message, { value: taskOf(manifest) })
}
