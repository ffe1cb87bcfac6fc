import { checkCount } from '../checks.ts'
import { messageOf, VertebraError } from '../errors.ts'
import type { Detector } from './detector.ts'
import { type DetectOptions, selectionOf } from './options.ts'
import { readEach } from './read-each.ts'
import type { DetectionResult } from './result.ts'

export interface DetectAllOptions extends DetectOptions {
  /**
   * Photos that go through the network together when their shapes allow; a stream goes alone. Default 1: on a CPU more is
   * not faster.
   */
  readonly batchSize?: number | undefined
}

/** What became of one photo: its result, or why there is none. */
export type DetectOutcome<Input> =
  | { readonly index: number; readonly input: Input; readonly result: DetectionResult }
  | { readonly index: number; readonly input: Input; readonly error: VertebraError }

/**
 * Finds the objects in many photos, one after another, in their order. A photo that fails gives an outcome with its
 * error and the others go on; only an abort or a disposed detector ends the whole.
 *
 * @param inputs photos, or anything that gives them one at a time; the total in `onProgress` is known for arrays.
 * @throws VertebraError `INVALID_ARGUMENT`, `ABORTED`, `DISPOSED`.
 * @example
 * for await (const outcome of detectAll(detector, ['a.jpg', 'b.jpg'])) {
 *   if ('error' in outcome) console.error(outcome.input, outcome.error.message)
 *   else console.log(outcome.input, outcome.result.detections.length)
 * }
 */
export async function* detectAll<Input>(
  detector: Pick<Detector<Input>, 'manifest' | 'detectBatch'>,
  inputs: Iterable<Input> | AsyncIterable<Input>,
  options: DetectAllOptions = {},
): AsyncGenerator<DetectOutcome<Input>, void, undefined> {
  const { onProgress, batchSize: size = 1, ...rest } = options
  const batchSize = checkCount('batchSize', size)
  selectionOf(detector.manifest, rest) // a wrong option is a wrong call, not a failure of every photo
  const total = Array.isArray(inputs) ? { total: inputs.length } : {}
  let done = 0
  let batch: Input[] = []

  async function* flush(): AsyncGenerator<DetectOutcome<Input>, void, undefined> {
    if (batch.length === 0) return
    for (const outcome of await detectTogether(detector, batch, rest, done)) {
      done += 1
      onProgress?.({
        phase: 'detect',
        done,
        ...total,
        ...(typeof outcome.input === 'string' && { item: outcome.input }),
      })
      yield outcome
    }
    batch = []
  }

  for await (const input of readEach(inputs, rest.signal)) {
    // It can be read only once, and a batch that one of its photos spoils is read again.
    const isStream = Symbol.asyncIterator in Object(input)
    if (isStream) yield* flush()
    batch.push(input)
    if (isStream || batch.length === batchSize) yield* flush()
  }
  yield* flush()
}

async function detectTogether<Input>(
  detector: Pick<Detector<Input>, 'manifest' | 'detectBatch'>,
  inputs: readonly Input[],
  options: DetectOptions,
  first: number,
): Promise<DetectOutcome<Input>[]> {
  try {
    const results = await detector.detectBatch(inputs, options)
    return inputs.map((input, i) => ({ index: first + i, input, result: results[i] as DetectionResult }))
  } catch (error) {
    if (endsEverything(error)) throw error
    if (inputs.length === 1) return [{ index: first, input: inputs[0] as Input, error: asVertebraError(error) }]
  }
  // One of them spoilt the batch: find out which.
  const outcomes: DetectOutcome<Input>[] = []
  for (const [i, input] of inputs.entries())
    outcomes.push(...(await detectTogether(detector, [input], options, first + i)))
  return outcomes
}

/** Errors that are about the call or the detector, not about a photo. */
export function endsEverything(error: unknown): boolean {
  return error instanceof VertebraError && ENDING.has(error.code)
}

const ENDING: ReadonlySet<string> = new Set(['ABORTED', 'DISPOSED', 'DEPENDENCY_MISSING'])

/** Whatever was thrown, as the one error class. */
export function asVertebraError(error: unknown): VertebraError {
  if (error instanceof VertebraError) return error
  return new VertebraError('INFERENCE_FAILED', `Detection failed: ${messageOf(error)}.`, { cause: error })
}
