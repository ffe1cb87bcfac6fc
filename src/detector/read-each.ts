import { throwIfAborted, untilAborted } from '../progress.ts'

/**
 * The inputs of a source, one when it is asked for. An abort ends the waiting for one that does not come.
 *
 * @throws VertebraError `ABORTED`; what the source throws.
 */
export async function* readEach<Input>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Input, void, undefined> {
  const iterator = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]()
  let isEnded = false
  try {
    for (;;) {
      throwIfAborted(signal)
      const next = await untilAborted(Promise.resolve(iterator.next()), signal)
      isEnded = next.done === true
      if (next.done) return
      yield next.value
    }
  } finally {
    const closing = isEnded || Promise.resolve(iterator.return?.()).catch(() => {})
    // A source that is still waiting for its own next input would keep the caller waiting, too.
    if (!signal?.aborted) await closing
  }
}
