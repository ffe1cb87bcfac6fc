import { type LoadOptions, openSessions } from '../detector/load.ts'
import type { DecodeImage } from '../detector/platform.ts'
import type { ModelFiles } from '../models/model-files.ts'
import { requireTask } from '../models/task.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { type ClassifierCore, localClassifier } from './classifier.ts'

/**
 * A classifier, ready for the first photo.
 * @throws VertebraError `MODEL_INVALID` when the model is none; what opening it throws.
 */
export async function openClassifier<Input>(
  files: ModelFiles,
  runtime: Runtime,
  decode: DecodeImage<Input>,
  options: LoadOptions,
): Promise<ClassifierCore<Input>> {
  const { manifest, sessions } = await openSessions(
    files,
    runtime,
    () => ['network'],
    (model) => requireTask(model, 'classify'),
    options,
  )
  return localClassifier(manifest, sessions, decode)
}
