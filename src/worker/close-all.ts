/** Frees the frames and bitmaps among some things; of one that was moved to another thread this does nothing. */
export function closeAll(things: readonly unknown[]): void {
  for (const thing of things) {
    if (typeof thing === 'object' && thing !== null && 'close' in thing && typeof thing.close === 'function')
      thing.close()
  }
}
