/** One picture of a stream. */
export interface Frame<Input> {
  readonly image: Input
  /** Milliseconds; of a video, its own time. */
  readonly timestamp: number
  /** Frees what the picture holds on to. */
  readonly release?: (() => void) | undefined
}

/**
 * The newest of the frames that a source pushes: whoever asks gets the last one that came, and those between are released
 * unseen. The source is read as fast as it gives, so nothing ever waits in line.
 *
 * @returns frames, each with the number of frames left out before it.
 */
export async function* newestFrames<Input>(
  source: AsyncIterable<Input>,
): AsyncGenerator<Frame<Input> & { dropped: number }, void, undefined> {
  let newest: Frame<Input> | undefined
  let dropped = 0
  let wake: (() => void) | undefined
  let end: { readonly error?: unknown } | undefined
  const iterator = source[Symbol.asyncIterator]()
  async function read(): Promise<void> {
    try {
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        const frame = frameOf(next.value)
        if (end) {
          frame.release?.()
          break
        }
        const unseen = newest
        newest = frame
        wake?.()
        if (unseen) {
          dropped += 1
          unseen.release?.()
          // A source that never waits must not keep everything else from running, the detector first of all.
          await new Promise((resolve) => setTimeout(resolve))
        }
      }
      end ??= {}
    } catch (error) {
      end ??= { error }
    }
    wake?.()
  }
  void read()
  try {
    for (;;) {
      while (!newest && !end) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      if (newest) {
        const frame = { ...newest, dropped }
        newest = undefined
        dropped = 0
        yield frame
      } else {
        if (end && 'error' in end) throw end.error
        return
      }
    }
  } finally {
    end ??= {}
    newest?.release?.()
    await iterator.return?.()
  }
}

function frameOf<Input>(image: Input): Frame<Input> {
  const release = isClosable(image) ? () => image.close() : undefined
  return { image, timestamp: performance.now(), release }
}

/** A VideoFrame or ImageBitmap: the stream owns what it was given, and closes it. */
function isClosable(value: unknown): value is { close(): void } {
  return typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'
}
