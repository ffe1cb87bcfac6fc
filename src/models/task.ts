import { VertebraError } from '../errors.ts'
import type { ClassifierManifest, FeaturesManifest, Manifest, ModelManifest } from './manifest.ts'

/** What a model folder is for. */
export interface Tasks {
  readonly detect: Manifest
  readonly features: FeaturesManifest
  readonly classify: ClassifierManifest
}

const TITLES: Readonly<Record<keyof Tasks, readonly [title: string, use: string]>> = {
  detect: ['a detector', 'loadDetector and "vertebra detect"'],
  features: ['a backbone without a head', 'loadBackbone, "vertebra features" and "vertebra similar"'],
  classify: ['a classifier', 'loadClassifier and "vertebra classify"'],
}

export function taskOf({ task = 'detect' }: ModelManifest): keyof Tasks {
  return task
}

/** Whether a model is for a task. */
export function isFor<Task extends keyof Tasks>(manifest: ModelManifest, task: Task): manifest is Tasks[Task] {
  return taskOf(manifest) === task
}

/** @throws VertebraError `MODEL_INVALID` when a model is for another task, with what it can be used for. */
export function requireTask<Task extends keyof Tasks>(manifest: ModelManifest, task: Task): Tasks[Task] {
  if (isFor(manifest, task)) return manifest
  const [title, use] = TITLES[taskOf(manifest)]
  const message = `Expected ${TITLES[task][0]} but the model "${manifest.name}" is ${title}, which is for ${use}.`
  throw new VertebraError('MODEL_INVALID', message, { value: taskOf(manifest) })
}
