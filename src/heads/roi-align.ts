import type { Boxes, Size } from '../boxes/boxes.ts'
import { VertebraError } from '../errors.ts'
import { openKernel, reserve, type WasmKernel } from '../wasm-kernel.ts'
import type { RoiSpec } from './levels.ts'
import { ROI_ALIGN_WASM } from './roi-align-wasm.ts'
import { type Span, tapWords, writeTaps } from './roi-taps.ts'

/** A channels-last feature map [N, height, width, channels] of a batch of N images. */
export interface MapShape extends Size {
  readonly images: number
  /** A multiple of 4. */
  readonly channels: number
  /** Pixels of the network's input per cell. */
  readonly stride: number
}

/** The boxes to pool: R of them, with the level and the image of each. */
export interface Rois {
  readonly boxes: Boxes
  /** Index of the map. */
  readonly levels: Uint8Array
  /** Index in the batch. */
  readonly images: Uint32Array
}

interface PlacedMap extends MapShape {
  readonly at: number
}

/** What `roi-align.wat` exports. */
interface RoiAlignKernel extends WasmKernel {
  pool(...numbers: number[]): void
}

/**
 * RoIAlign over channels-last maps in WebAssembly's vectors, many times as fast as the operator of ONNX Runtime's CPU provider,
 * which goes through a map channel by channel. Equal to it, and so to torchvision's, but for rounding (1e-6 of a value).
 * (He et al. 2017, arXiv:1703.06870.)
 *
 * The maps lie in its own memory, so that whatever makes them can write them there. One caller at a time.
 *
 * @example
 * const align = new RoiAlign()
 * const [p3] = align.reserve([{ images: 1, height: 48, width: 60, channels: 128, stride: 8 }])
 * p3?.set(map)
 * const pooled = align.pool({ boxes, levels, images }, manifest.roi) // [R, 128, 7, 7]
 */
export class RoiAlign {
  readonly #kernel: RoiAlignKernel
  #maps: readonly PlacedMap[] = []
  /** Where what is pooled goes: behind the maps. */
  #end = 0

  constructor() {
    this.#kernel = openKernel<RoiAlignKernel>(ROI_ALIGN_WASM)
  }

  /** Bytes of its memory, which only grows. */
  get bytes(): number {
    return this.#kernel.memory.buffer.byteLength
  }

  /**
   * Makes room for maps, in the order of the levels.
   * @returns the memory of each, to be filled before `pool`; what it held is lost at the next call.
   * @throws VertebraError `OUT_OF_MEMORY`.
   */
  reserve(maps: readonly MapShape[]): Float32Array<ArrayBuffer>[] {
    let at = 0
    this.#maps = maps.map((map) => {
      const placed = { ...map, at }
      at += 4 * map.images * map.height * map.width * map.channels
      return placed
    })
    this.#end = at
    this.#grow(at)
    return this.#maps.map((map) => new Float32Array(this.#kernel.memory.buffer, map.at, lengthOf(map)))
  }

  /**
   * Pools every box from its map.
   * @returns `[R, channels, outputSize, outputSize]` in the order of the boxes; valid until the next call of anything here.
   * @throws VertebraError `OUT_OF_MEMORY`.
   */
  pool({ boxes, levels, images }: Rois, spec: Pick<RoiSpec, 'outputSize' | 'samplingRatio' | 'aligned'>): Float32Array {
    const { outputSize: size } = spec
    const channels = this.#maps[0]?.channels ?? 0
    const widest = Math.max(...this.#maps.map(({ width }) => width))
    const step = tapWords(Math.max(widest, ...this.#maps.map(({ height }) => height)))
    const tapsY = this.#end
    const tapsX = tapsY + 4 * size * step
    const strip = align16(tapsX + 4 * size * step)
    // 64 bytes more than are needed: the kernel works in such blocks, and at a power of two all bins would compete for the
    // same few lines of the cache.
    const bins = strip + 4 * widest * channels + 64
    const pitch = 4 * channels + 64
    // Bins are turned in fours, of which the last may have three too many.
    const out = bins + (size * size + 3) * pitch
    const outLength = levels.length * channels * size * size
    // The kernel writes whole vectors: up to three numbers behind the last plane.
    this.#grow(out + 4 * outLength + 16)
    const { buffer } = this.#kernel.memory
    const words = { integers: new Int32Array(buffer), numbers: new Float32Array(buffer) }
    for (let i = 0, to = out; i < levels.length; i++, to += 4 * channels * size * size) {
      const { at, stride, width, height } = this.#maps[levels[i] as number] as PlacedMap
      const scale = Math.fround(1 / stride)
      const [cell, row] = [4 * channels, 4 * channels * width]
      const side = (axis: 0 | 1, cells: number, taps: number): Span => {
        const corner = i * 4 + axis
        const [start, end] = [boxes[corner] as number, boxes[corner + 2] as number]
        return writeTaps(start, end, scale, cells, spec, words, taps / 4, step)
      }
      const rows = side(1, height, tapsY)
      const columns = side(0, width, tapsX)
      const from = at + ((images[i] as number) * height + rows.first) * row + columns.first * cell
      this.#kernel.pool(from, cell, row, size, tapsY, tapsX, 4 * step, strip, columns.count * cell, bins, pitch, to)
    }
    return new Float32Array(this.#kernel.memory.buffer, out, outLength)
  }

  #grow(bytes: number): void {
    try {
      reserve(this.#kernel, bytes)
    } catch (cause) {
      const message = 'There was not enough memory for the feature maps: use smaller photos or batches.'
      throw new VertebraError('OUT_OF_MEMORY', message, { cause })
    }
  }
}

function lengthOf({ images, height, width, channels }: MapShape): number {
  return images * height * width * channels
}

function align16(byte: number): number {
  return Math.ceil(byte / 16) * 16
}
