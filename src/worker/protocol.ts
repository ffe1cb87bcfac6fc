import type { Classification, ClassifyOptions } from '../classify/classifier.ts'
import type { ExtractOptions, Features } from '../detector/backbone.ts'
import type { ModelPart } from '../detector/load.ts'
import type { DetectOptions } from '../detector/options.ts'
import type { DetectionResult } from '../detector/result.ts'
import { VertebraError, type VertebraErrorCode } from '../errors.ts'
import type { ModelManifest } from '../models/manifest.ts'
import type { Progress, WorkOptions } from '../progress.ts'
import type { ChosenDevice } from '../runtime/choose-device.ts'

/** Messages between a model in a worker and whoever uses it. Everything in them can be cloned between threads. */

/** Options without what cannot be cloned. */
type Plain<Options extends WorkOptions> = Omit<Options, 'signal' | 'onProgress'>

/** What of a model the other side loads. */
export type RemotePart = ModelPart | 'classifier'

/** What a loaded model says of itself. */
export interface LoadedInfo {
  readonly manifest: ModelManifest
  readonly device: ChosenDevice
  readonly precision: DetectionResult['precision']
  readonly runtime: string
}

/** The calls, with what each takes and gives. */
export interface Calls<Model, LoadOptions extends WorkOptions, Image> {
  load: { takes: { model: Model; options: Plain<LoadOptions> }; gives: LoadedInfo }
  detect: { takes: { images: readonly Image[]; options: Plain<DetectOptions> }; gives: DetectionResult[] }
  classify: { takes: { image: Image; options: Plain<ClassifyOptions> }; gives: Classification }
  extract: { takes: { image: Image; options: Plain<ExtractOptions> }; gives: Features }
  dispose: { takes: Record<never, never>; gives: undefined }
}

export type Request<All> = {
  [Name in keyof All]: All[Name] extends { takes: infer Takes } ? { call: Name; id: number; takes: Takes } : never
}[keyof All]

export type ToWorker<All> = Request<All> | { readonly abort: number }

export type FromWorker =
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly gives: unknown }
  | { readonly id: number; readonly error: PlainError }

/** An error as it travels: the class and the cause would be lost on the way. */
export interface PlainError {
  readonly code: VertebraErrorCode
  readonly message: string
  readonly value?: unknown
}

export function toPlainError(error: unknown): PlainError {
  if (error instanceof VertebraError) return { code: error.code, message: error.message, value: error.value }
  return { code: 'INFERENCE_FAILED', message: `The worker failed: ${error instanceof Error ? error.message : error}.` }
}

export function toVertebraError({ code, message, value }: PlainError): VertebraError {
  return new VertebraError(code, message, { value })
}

/** One end of a channel between threads, in a page or in Node. */
export interface Port<In, Out> {
  post(message: Out, transfer?: readonly Transferable[]): void
  /** `onFailure` hears when the other side dies. */
  listen(onMessage: (message: In) => void, onFailure?: (reason: string) => void): void
}

/** The end of whoever started the worker. */
export interface WorkerPort extends Port<FromWorker, unknown> {
  /** Told when the first call starts waiting and when none waits any more: Node's process may end only then. */
  hold?(isBusy: boolean): void
  close(): void
}
