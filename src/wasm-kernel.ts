/** A WebAssembly module of this library's own, which has its memory and needs nothing from outside. */
export interface WasmKernel {
  readonly memory: WebAssembly.Memory
}

const PAGE = 65_536

/**
 * The exports of a module.
 * @param base64 the module, checked to have the exports of `K` by whoever wrote it
 */
export function openKernel<K extends WasmKernel>(base64: string): K {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  return exports as WebAssembly.Exports & K
}

/**
 * Sees to it that the memory has so many bytes; it only grows, and views of it are void when it has.
 * @throws RangeError where there is not so much.
 */
export function reserve({ memory }: WasmKernel, bytes: number): void {
  const missing = Math.ceil(bytes / PAGE) - memory.buffer.byteLength / PAGE
  if (missing > 0) memory.grow(missing)
}
