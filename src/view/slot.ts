/** Holds one thing that is slow to open for as long as its key stays the same. */
export interface Slot<Value> {
  /**
   * The thing of a key: the one that is held or being opened, or a new one, for which the one of another key is closed.
   * @param open gets a signal that fires when nobody waits for it any more.
   */
  get(key: string, open: (signal: AbortSignal) => Promise<Value>): Promise<Value>
  /** Closes what is held, or as soon as it is open. */
  clear(): void
}

/** @param close is called once for each thing that was opened. */
export function createSlot<Value>(close: (value: Value) => unknown): Slot<Value> {
  let held: { readonly key: string; readonly value: Promise<Value>; readonly opening: AbortController } | undefined

  function clear(): void {
    held?.opening.abort()
    held?.value.then(close, () => undefined)
    held = undefined
  }

  return {
    clear,
    get(key, open) {
      if (held?.key === key) return held.value
      clear()
      const opening = new AbortController()
      const entry = { key, opening, value: open(opening.signal) }
      held = entry
      // A failure is not remembered, so that the next call tries again.
      entry.value.catch(() => {
        if (held === entry) held = undefined
      })
      return entry.value
    },
  }
}
