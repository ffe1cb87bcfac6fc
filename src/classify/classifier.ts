import { topK } from '../boxes/top-k.ts'
import { checkCount } from '../checks.ts'
import { type Backbone, backboneOf, type Extract } from '../detector/backbone.ts'
import { extractFeatures } from '../detector/extract.ts'
import { requireOutput } from '../detector/graph-output.ts'
import { requireNoOverflow } from '../detector/half-overflow.ts'
import { createLifetime } from '../detector/lifetime.ts'
import { withRecovery } from '../detector/local-detector.ts'
import type { DecodeImage } from '../detector/platform.ts'
import { prepareInput } from '../detector/prepare-input.ts'
import type { Sessions } from '../detector/sessions.ts'
import { softmax } from '../heads/softmax.ts'
import type { ClassifierManifest, ModelManifest } from '../models/manifest.ts'
import { requireTask } from '../models/task.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import type { ChosenDevice } from '../runtime/choose-device.ts'

export interface ClassifyOptions extends Omit<WorkOptions, 'onProgress'> {
  /** How many classes at most. Default 5. */
  readonly top?: number | undefined
}

/** One class of a photo. */
export interface ClassScore {
  readonly label: string
  /** Its place among the network's outputs, from 0. */
  readonly classIndex: number
  /** 0 to 1; those of all classes add up to 1. */
  readonly probability: number
}

/** What a photo shows, and how that was found. */
export interface Classification {
  /** Size of the photo in pixels, upright. */
  readonly width: number
  readonly height: number
  /** Most probable first; of equal ones the first of the model's. */
  readonly classes: readonly ClassScore[]
  readonly device: ChosenDevice
  readonly precision: Sessions['precision']
}

/** A classifier: photo in, labels with probabilities out. Made by `loadClassifier`. */
export interface Classifier<Input> extends AsyncDisposable {
  readonly manifest: ClassifierManifest
  /** Names of the K classes. */
  readonly labels: readonly string[]
  readonly device: ChosenDevice
  readonly precision: Sessions['precision']
  /** Name and version of the package that runs the graphs. */
  readonly runtime: string
  /** The network below the classifier: feature maps, embeddings. */
  readonly backbone: Backbone<Input>
  /**
   * What one photo shows.
   * @throws VertebraError `INVALID_ARGUMENT`, `IMAGE_NOT_FOUND`, `IMAGE_UNREADABLE`, `IMAGE_TOO_LARGE`,
   * `INFERENCE_FAILED`, `OUT_OF_MEMORY`, `ABORTED`, `DISPOSED`.
   * @example
   * const { classes } = await classifier.classify('cat.jpg', { top: 3 })
   * for (const { label, probability } of classes) console.log(label, probability.toFixed(3))
   */
  classify(image: Input, options?: ClassifyOptions): Promise<Classification>
  /** Frees the model's memory once running calls have ended. Everything afterwards throws `DISPOSED`. */
  dispose(): Promise<void>
}

/** What a classifier is made of, wherever its network runs. */
export interface ClassifierCore<Input> {
  readonly manifest: ModelManifest
  readonly device: ChosenDevice
  readonly precision: Sessions['precision']
  readonly runtime: string
  readonly classify: Classifier<Input>['classify']
  readonly extract: Extract<Input>
  readonly dispose: () => Promise<void>
}

export function classifierOf<Input>(core: ClassifierCore<Input>): Classifier<Input> {
  const { classify, dispose } = core
  const manifest = requireTask(core.manifest, 'classify')
  return {
    manifest,
    labels: manifest.labels.map(({ name }) => name),
    get device() {
      return core.device
    },
    get precision() {
      return core.precision
    },
    runtime: core.runtime,
    backbone: backboneOf(manifest, core.extract),
    classify,
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}

/** A classifier whose network runs here. */
export function localClassifier<Input>(
  manifest: ClassifierManifest,
  sessions: Sessions,
  decode: DecodeImage<Input>,
): ClassifierCore<Input> {
  async function classify(
    decode: DecodeImage<Input>,
    input: Input,
    { top = 5, signal }: ClassifyOptions,
  ): Promise<Classification> {
    const wanted = checkCount('top', top)
    throwIfAborted(signal)
    const image = await decode(input, { signal })
    const { data, dims } = prepareInput(manifest.input, [image])
    throwIfAborted(signal)
    const session = await sessions.open('network')
    throwIfAborted(signal)
    const outputs = await session.run({ image: { dataType: 'float32', dims, data } })
    throwIfAborted(signal)
    const logits = requireOutput(outputs, 'logits').data
    requireNoOverflow(sessions, logits)
    const probabilities = softmax(logits)
    const classes = Array.from(topK(probabilities, wanted), (classIndex) => ({
      label: manifest.labels[classIndex]?.name ?? '',
      classIndex,
      probability: probabilities[classIndex] as number,
    }))
    const { width, height } = image
    return { width, height, classes, device: sessions.device, precision: sessions.precision }
  }

  const { run, dispose } = createLifetime(() => sessions.dispose())
  return {
    manifest,
    get device() {
      return sessions.device
    },
    get precision() {
      return sessions.precision
    },
    runtime: sessions.runtime,
    classify: (input, options = {}) =>
      run(() => withRecovery(sessions, decode, (decode) => classify(decode, input, options))),
    extract: (input, options) =>
      run(() =>
        withRecovery(sessions, decode, (decode) => extractFeatures(manifest, sessions, decode, input, options)),
      ),
    dispose,
  }
}
