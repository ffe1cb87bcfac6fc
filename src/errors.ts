/**
 * What went wrong, as a closed set that callers can switch over.
 *
 * | code | meaning |
 * |---|---|
 * | `INVALID_ARGUMENT` | an option or argument has a wrong type or value |
 * | `IMAGE_NOT_FOUND` | the file, folder, glob or URL has no picture |
 * | `IMAGE_UNREADABLE` | the bytes are not a picture that can be decoded whole |
 * | `IMAGE_TOO_LARGE` | more pixels than the limit allows |
 * | `MODEL_NOT_FOUND` | no model folder, package or URL of that name |
 * | `MODEL_INVALID` | the manifest breaks its schema, or a graph is not what the manifest says |
 * | `MODEL_CORRUPT` | a model file's bytes differ from the manifest's size or sha256 |
 * | `GRAPH_INVALID` | bytes that are not an ONNX model, or a graph that contradicts itself |
 * | `WEIGHTS_INVALID` | a weight file that is damaged, of another format, or lacks a tensor |
 * | `DATA_INVALID` | an annotation or results file that cannot be used |
 * | `DEVICE_UNAVAILABLE` | the asked-for device cannot run here |
 * | `DEPENDENCY_MISSING` | an optional package is needed and not installed |
 * | `INFERENCE_FAILED` | the runtime failed while it ran a graph |
 * | `OUT_OF_MEMORY` | not enough memory for the input or the model |
 * | `OUTPUT_FAILED` | a result could not be written |
 * | `NETWORK` | a download failed |
 * | `ABORTED` | the caller's `AbortSignal` fired (the reason is the `cause`) |
 * | `DISPOSED` | the object was used after `dispose()` |
 */
export type VertebraErrorCode =
  | 'INVALID_ARGUMENT'
  | 'IMAGE_NOT_FOUND'
  | 'IMAGE_UNREADABLE'
  | 'IMAGE_TOO_LARGE'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_INVALID'
  | 'MODEL_CORRUPT'
  | 'GRAPH_INVALID'
  | 'WEIGHTS_INVALID'
  | 'DATA_INVALID'
  | 'DEVICE_UNAVAILABLE'
  | 'DEPENDENCY_MISSING'
  | 'INFERENCE_FAILED'
  | 'OUT_OF_MEMORY'
  | 'OUTPUT_FAILED'
  | 'NETWORK'
  | 'ABORTED'
  | 'DISPOSED'

/**
 * The one error class of this library. Its message is one sentence that says what was expected, what came, and, where
 * it helps, what to do.
 *
 * @example
 * try {
 *   await detector.detect('missing.jpg')
 * } catch (error) {
 *   if (error instanceof VertebraError && error.code === 'IMAGE_NOT_FOUND') console.log(error.message)
 * }
 */
export class VertebraError extends Error {
  override readonly name = 'VertebraError'
  readonly code: VertebraErrorCode
  /** The offending value, when there is one. */
  readonly value: unknown

  constructor(code: VertebraErrorCode, message: string, details: { value?: unknown; cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.value = details.value
  }
}

/**
 * The standard sentence for a value that is not what it should be:
 * `Expected <what> for <name> but received <value>.`
 */
export function unexpected(
  name: string,
  what: string,
  value: unknown,
  code: VertebraErrorCode = 'INVALID_ARGUMENT',
): VertebraError {
  return new VertebraError(code, `Expected ${what} for ${name} but received ${describe(value)}.`, { value })
}

/** A short, single-line description of any value for use in a message. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value)
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) {
    if (value.length > 8) return `an array of ${value.length}`
    // Not deeper than one level: files from strangers nest arrays until the stack is full.
    return `[${value.map((item) => (Array.isArray(item) ? `an array of ${item.length}` : describe(item))).join(', ')}]`
  }
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${value.byteLength} bytes`
  // Of an object out of a file its own `constructor` may be anything.
  const prototype: object | null = Object.getPrototypeOf(value)
  return `an object (${prototype?.constructor.name ?? 'no prototype'})`
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
