import { type Classifier, type ClassifierCore, classifierOf } from '../classify/classifier.ts'
import { openClassifier } from '../classify/load.ts'
import { backboneOf, type LoadedBackbone } from '../detector/backbone.ts'
import { type Detector, type DetectorCore, detectorOf } from '../detector/detector.ts'
import { type LoadOptions, type ModelPart, openDetector } from '../detector/load.ts'
import { decodeImage, type ImageInput } from '../images/decode.node.ts'
import { locateModel } from '../models/locate.node.ts'
import { requireBackbone } from '../models/task.ts'
import { nodeRuntime } from '../runtime/node.ts'
import { newestFrames } from '../stream/frame.ts'
import { modelAddress } from '../worker/model-address.node.ts'
import { startWorker } from '../worker/start.node.ts'

/** How Node loads a model. */
export interface NodeLoadOptions extends LoadOptions {
  /**
   * True runs the network in a thread of its own, so that this thread's event loop stays free: for servers. Default false:
   * ONNX Runtime computes in this thread, and a detection holds it up.
   */
  readonly worker?: boolean | undefined
}

/**
 * Loads a detector: finds and checks the model, picks the device, and opens the graphs, ready for the first photo.
 *
 * @param model name of an installed model (`resnet101-voc`), path of a model folder, or a `file:` or `http(s):` URL of one,
 * whose files are kept in the user's cache folder.
 * @throws VertebraError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `MODEL_CORRUPT`, `GRAPH_INVALID`, `DEVICE_UNAVAILABLE`,
 * `DEPENDENCY_MISSING`, `INVALID_ARGUMENT`, `NETWORK`, `OUT_OF_MEMORY`, `ABORTED`.
 * @example
 * const detector = await loadDetector('resnet101-voc')
 * const { detections } = await detector.detect('street.jpg', { minScore: 0.5 })
 * await detector.dispose()
 */
export async function loadDetector(model: string | URL, options: NodeLoadOptions = {}): Promise<Detector<ImageInput>> {
  return detectorOf(await load(model, 'detector', options), newestFrames)
}

/**
 * Loads only the backbone of a model, for feature maps and embeddings: of a detector, of a classifier, or one alone.
 * @throws VertebraError as `loadDetector`.
 * @example
 * const backbone = await loadBackbone('resnet101-voc')
 * console.log(await backbone.similar('cat1.jpg', 'cat2.jpg'))
 */
export async function loadBackbone(
  model: string | URL,
  options: NodeLoadOptions = {},
): Promise<LoadedBackbone<ImageInput>> {
  const { manifest, extract, dispose } = await load(model, 'backbone', options)
  const own = requireBackbone(manifest)
  return { ...backboneOf(own, extract), manifest: own, dispose, [Symbol.asyncDispose]: dispose }
}

/**
 * Loads a classifier: a model folder of the task `classify`, such as `vertebra convert --task classify` makes. With
 * `worker` it runs in a thread of its own.
 *
 * @param model as for `loadDetector`.
 * @throws VertebraError as `loadDetector`; `MODEL_INVALID` also for a model of another task.
 * @example
 * const classifier = await loadClassifier('my-resnet50')
 * const { classes } = await classifier.classify('cat.jpg', { top: 5 })
 */
export async function loadClassifier(
  model: string | URL,
  { worker = false, ...options }: NodeLoadOptions = {},
): Promise<Classifier<ImageInput>> {
  const core: ClassifierCore<ImageInput> = worker
    ? await startWorker(model, 'classifier', options)
    : await openClassifier(await locateModel(modelAddress(model)), await nodeRuntime(), decodeImage, options)
  return classifierOf(core)
}

async function load(
  model: string | URL,
  part: ModelPart,
  { worker = false, ...options }: NodeLoadOptions,
): Promise<DetectorCore<ImageInput>> {
  if (worker) return startWorker(model, part, options)
  return openDetector(await locateModel(modelAddress(model)), await nodeRuntime(), decodeImage, part, options)
}
