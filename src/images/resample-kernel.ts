import { openKernel, reserve, type WasmKernel } from '../wasm-kernel.ts'
import { RESAMPLE_WASM } from './resample-wasm.ts'

/** What `resample.wat` exports: addresses and lengths are in bytes of its memory. */
export interface ResampleKernel extends WasmKernel {
  pixels8(to: number, from: number, plan: number, end: number, step: number): void
  pixels32(to: number, from: number, plan: number, end: number, step: number): void
  rows8(to: number, length: number, table: number, end: number): void
  rows32(to: number, length: number, table: number, end: number): void
}

let kernel: ResampleKernel | undefined

/**
 * The kernel with at least so many bytes: some rows of the largest picture so far. It is used from beginning to end of a picture,
 * without a pause in which another could come.
 */
export function resampleKernel(bytes: number): ResampleKernel {
  kernel ??= openKernel<ResampleKernel>(RESAMPLE_WASM)
  reserve(kernel, bytes)
  return kernel
}
