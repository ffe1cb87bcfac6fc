import { readEach } from '../detector/read-each.ts'

/**
 * Works on several inputs at once and gives what becomes of them in their order. Inputs are read only as far ahead as
 * `ahead` says, whether the work or the reader of the results is the slower one. A failure of the inputs themselves ends the
 * whole once everything before it is given.
 *
 * @param work must not reject for what is only one input's failure: the first rejection ends the whole, in its turn.
 */
export async function* inOrder<Input, Output>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  ahead: number,
  work: (input: Input, index: number) => Promise<Output>,
  signal?: AbortSignal,
): AsyncGenerator<Output, void, undefined> {
  const iterator = readEach(inputs, signal)
  const running: Promise<Output>[] = []
  let reading: Promise<Read<Input>> | undefined
  let end: Exclude<Read<Input>, { input: Input }> | undefined
  let index = 0
  try {
    while (true) {
      if (!end && running.length < ahead) reading ??= readNext(iterator)
      const [head] = running
      const finished = head?.then((output) => ({ output }))
      const events = [reading, finished].filter((event) => event !== undefined)
      if (events.length === 0) break
      // The inputs come first, so that the work never waits for the reader of the results.
      const event = await Promise.race(events)
      if ('output' in event) {
        running.shift()
        yield event.output
        continue
      }
      reading = undefined
      if ('input' in event) {
        const output = work(event.input, index++)
        // Its failure is heard in its turn.
        output.catch(() => {})
        running.push(output)
      } else end = event
    }
    if (end && 'failure' in end) throw end.failure
  } finally {
    const closing = iterator.return().catch(() => {})
    // A source that is still waiting for its own next input would keep the caller waiting, too.
    if (!reading) await closing
  }
}

type Read<Input> = { readonly input: Input } | { readonly done: true } | { readonly failure: unknown }

/** Never rejects. */
async function readNext<Input>(iterator: AsyncGenerator<Input, void, undefined>): Promise<Read<Input>> {
  try {
    const result = await iterator.next()
    return result.done ? { done: true } : { input: result.value }
  } catch (failure) {
    return { failure }
  }
}
