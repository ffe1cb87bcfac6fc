import { type Classifier, type ClassifierCore, classifierOf } from '../classify/classifier.ts'
import { openClassifier } from '../classify/load.ts'
import { backboneOf, type LoadedBackbone } from '../detector/backbone.ts'
import { type Detector, type DetectorCore, detectorOf } from '../detector/detector.ts'
import { type LoadOptions, type ModelPart, openDetector } from '../detector/load.ts'
import { decodeImage, type ImageInput } from '../images/decode.web.ts'
import { locateModel, type ModelInput, portableModel } from '../models/locate.web.ts'
import { requireBackbone } from '../models/task.ts'
import { runtimeModules } from '../runtime/modules.web.ts'
import { createWebRuntime } from '../runtime/web.ts'
import { newestFrames } from '../stream/frame.ts'
import { type VideoSource, videoFrames } from '../stream/video-frames.web.ts'
import { startWorker } from '../worker/start.web.ts'

/** What a page can stream from: a video, a camera's track or stream, or anything that gives frames one after another. */
export type StreamSource = VideoSource | AsyncIterable<ImageInput>

/** The detector of a page. */
export type WebDetector = Detector<ImageInput, StreamSource>

/** How a page loads a model. */
export interface WebLoadOptions extends LoadOptions {
  /**
   * Where the network runs. Default true: in a Web Worker that this package brings along, so that the page stays smooth.
   * False runs it in the page. A function makes the worker, for bundlers that do not find it: it must run the package's
   * `vertebra/worker` as a module.
   */
  readonly worker?: boolean | (() => Worker) | undefined
  /**
   * Address of the folder with onnxruntime-web's files (its `dist`). Default: what the page's import map or the bundler makes
   * of the package onnxruntime-web.
   */
  readonly runtimeUrl?: string | URL | undefined
}

/**
 * Loads a detector: fetches and checks the model (the second time out of the browser's cache), picks the device, and opens the
 * graphs in a worker, ready for the first frame.
 *
 * @param model a name (`resnet101-voc` is the folder `models/resnet101-voc/` beside the page), the URL of a model folder, or
 * the folder's files.
 * @throws VertebraError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `MODEL_CORRUPT`, `GRAPH_INVALID`, `DEVICE_UNAVAILABLE`,
 * `DEPENDENCY_MISSING`, `INVALID_ARGUMENT`, `NETWORK`, `OUT_OF_MEMORY`, `ABORTED`.
 * @example
 * const detector = await loadDetector('resnet101-voc', { onProgress: ({ done, total }) => console.log(done, total) })
 * const { detections } = await detector.detect(document.images[0])
 */
export async function loadDetector(model: ModelInput, options: WebLoadOptions = {}): Promise<WebDetector> {
  return detectorOf(await load(model, 'detector', options), framesOf)
}

/**
 * Loads only the backbone of a model, for feature maps and embeddings: of a detector, of a classifier, or one alone.
 * @throws VertebraError as `loadDetector`.
 * @example
 * const backbone = await loadBackbone('resnet101-voc')
 * const { c5 } = await backbone.extract(document.images[0])
 */
export async function loadBackbone(
  model: ModelInput,
  options: WebLoadOptions = {},
): Promise<LoadedBackbone<ImageInput>> {
  const { manifest, extract, dispose } = await load(model, 'backbone', options)
  const own = requireBackbone(manifest)
  return { ...backboneOf(own, extract), manifest: own, dispose, [Symbol.asyncDispose]: dispose }
}

/**
 * Loads a classifier: a model folder of the task `classify`, such as `vertebra convert --task classify` makes. It runs in a
 * worker as a detector does.
 *
 * @param model as for `loadDetector`.
 * @throws VertebraError as `loadDetector`; `MODEL_INVALID` also for a model of another task.
 * @example
 * const classifier = await loadClassifier('models/my-resnet50')
 * const { classes } = await classifier.classify(document.images[0], { top: 5 })
 */
export async function loadClassifier(
  model: ModelInput,
  { worker = true, runtimeUrl, ...options }: WebLoadOptions = {},
): Promise<Classifier<ImageInput>> {
  const portable = portableModel(model, document.baseURI)
  const modules = runtimeModules(runtimeUrl)
  const core: ClassifierCore<ImageInput> =
    worker === false
      ? await openClassifier(await locateModel(portable), createWebRuntime(modules), decodeImage, options)
      : await startWorker(portable, 'classifier', modules, worker === true ? undefined : worker, options)
  return classifierOf(core)
}

async function load(
  model: ModelInput,
  part: ModelPart,
  { worker = true, runtimeUrl, ...options }: WebLoadOptions,
): Promise<DetectorCore<ImageInput>> {
  const portable = portableModel(model, document.baseURI)
  const modules = runtimeModules(runtimeUrl)
  if (worker !== false) return startWorker(portable, part, modules, worker === true ? undefined : worker, options)
  return openDetector(await locateModel(portable), createWebRuntime(modules), decodeImage, part, options)
}

function framesOf(
  source: StreamSource,
  signal: AbortSignal | undefined,
): ReturnType<typeof newestFrames<ImageInput>> | ReturnType<typeof videoFrames> {
  return Symbol.asyncIterator in source ? newestFrames(source) : videoFrames(source, signal)
}
