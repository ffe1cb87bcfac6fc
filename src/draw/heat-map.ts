import { checkFraction } from '../checks.ts'
import { unexpected } from '../errors.ts'
import { type RgbImage, requireRgb } from '../images/image.ts'
import type { Placement } from '../images/target-size.ts'
import { oklch } from './colour.ts'

/** A feature map of one photo, [C, H, W]. */
export interface DrawableFeatureMap {
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly data: Float32Array
}

export interface HeatMapOptions {
  /** Where the photo lies in the network's input, so that the map's padding is cut off. Default: all of it is photo. */
  readonly placement?: Placement | undefined
  /** How much of the heat covers the photo, 0 to 1. Default 0.65. */
  readonly opacity?: number | undefined
}

/**
 * The strength of a feature map as colours over the photo: mean of |activation| over the channels, dark violet at the 2nd
 * percentile of the cells on the photo to light yellow at the 98th, enlarged bilinearly to the photo's size. What a network's
 * input cuts off the photo keeps its own colours.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the data does not fit its shape, or the opacity is out of range.
 * @example
 * const picture = drawHeatMap(photo, maps.c4, { placement })
 */
export function drawHeatMap(photo: RgbImage, map: DrawableFeatureMap, options: HeatMapOptions = {}): RgbImage {
  requireRgb(photo)
  const { placement, opacity = 0.65 } = options
  checkFraction('opacity', opacity)
  if (!(map.channels >= 1) || map.data.length !== map.channels * map.height * map.width || map.data.length === 0) {
    const shape = `${map.channels} * ${map.height} * ${map.width}`
    throw unexpected('the feature map', `${shape} numbers, at least one`, map.data.length)
  }
  const strength = meanMagnitude(map)
  const { cellsX, cellsY, left: startX, top: startY, usedX, usedY } = cellsOf(map, placement)
  scaleToPercentiles(strength, map.width, Math.ceil(usedX), Math.ceil(usedY))
  const colours = heatColours()
  const data = Uint8Array.from(photo.data)
  for (let y = 0; y < photo.height; y++) {
    const downMap = ((y + 0.5) / photo.height) * cellsY - startY
    if (downMap < 0 || downMap > usedY) continue
    const cellY = Math.min(Math.max(downMap - 0.5, 0), map.height - 1)
    const top = Math.floor(cellY)
    const bottom = Math.min(top + 1, map.height - 1)
    for (let x = 0; x < photo.width; x++) {
      const alongMap = ((x + 0.5) / photo.width) * cellsX - startX
      if (alongMap < 0 || alongMap > usedX) continue
      const cellX = Math.min(Math.max(alongMap - 0.5, 0), map.width - 1)
      const left = Math.floor(cellX)
      const right = Math.min(left + 1, map.width - 1)
      const upper = mix(strength, top * map.width + left, top * map.width + right, cellX - left)
      const lower = mix(strength, bottom * map.width + left, bottom * map.width + right, cellX - left)
      const heat = Math.round((upper + (lower - upper) * (cellY - top)) * 255) * 3
      const pixel = (y * photo.width + x) * 3
      for (let c = 0; c < 3; c++) {
        const level = photo.data[pixel + c] as number
        data[pixel + c] = Math.round(level + ((colours[heat + c] as number) - level) * opacity)
      }
    }
  }
  return { width: photo.width, height: photo.height, data }
}

/** In cells: the sides of the whole photo, where the network's view of it starts, and how far that goes. */
interface Cells {
  readonly cellsX: number
  readonly cellsY: number
  readonly left: number
  readonly top: number
  readonly usedX: number
  readonly usedY: number
}

/** The map covers the padded input. */
function cellsOf({ width, height }: DrawableFeatureMap, placement: Placement | undefined): Cells {
  if (placement === undefined) return { cellsX: width, cellsY: height, left: 0, top: 0, usedX: width, usedY: height }
  const { inputWidth, inputHeight, paddedWidth, paddedHeight, cut } = placement
  const usedX = (inputWidth / paddedWidth) * width
  const usedY = (inputHeight / paddedHeight) * height
  if (cut === undefined) return { cellsX: usedX, cellsY: usedY, left: 0, top: 0, usedX, usedY }
  return {
    cellsX: (cut.width / paddedWidth) * width,
    cellsY: (cut.height / paddedHeight) * height,
    left: (cut.left / paddedWidth) * width,
    top: (cut.top / paddedHeight) * height,
    usedX,
    usedY,
  }
}

function meanMagnitude({ channels, height, width, data }: DrawableFeatureMap): Float32Array {
  const cells = height * width
  const sums = new Float32Array(cells)
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < cells; i++) sums[i] = (sums[i] as number) + Math.abs(data[c * cells + i] as number)
  }
  // What is not a number would make every percentile wrong; it counts as silent.
  return sums.map((sum) => (Number.isFinite(sum) ? sum / channels : 0))
}

/** Scales the values in place so that the 2nd and 98th percentile of the cells in use become 0 and 1, and clips. */
function scaleToPercentiles(values: Float32Array, width: number, columns: number, rows: number): void {
  const used = values.filter((_, i) => i % width < columns && i < rows * width).sort()
  const low = used[Math.floor((used.length - 1) * 0.02)] as number
  const high = used[Math.ceil((used.length - 1) * 0.98)] as number
  for (let i = 0; i < values.length; i++) {
    values[i] = high > low ? Math.min(1, Math.max(0, ((values[i] as number) - low) / (high - low))) : 0
  }
}

function mix(values: Float32Array, from: number, to: number, fraction: number): number {
  const start = values[from] as number
  return start + ((values[to] as number) - start) * fraction
}

/** 256 colours whose perceived lightness rises evenly, from violet over red to yellow. */
function heatColours(): Uint8Array {
  const colours = new Uint8Array(256 * 3)
  for (let i = 0; i < 256; i++) {
    const t = i / 255
    colours.set(oklch(0.2 + 0.75 * t, 0.08 + 0.4 * t * (1 - t) + 0.08 * t, 285 + 180 * t), i * 3)
  }
  return colours
}
