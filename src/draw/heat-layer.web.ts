import { VertebraError } from '../errors.ts'
import type { Placement } from '../images/target-size.ts'
import { type DrawableFeatureMap, drawHeatMap } from './heat-map.ts'

/** A feature map that knows where its photo lies on it, as `backbone.extract` gives it. */
export interface PlacedFeatureMap extends DrawableFeatureMap {
  readonly placement: Placement
}

/** Finer than this no map is: the browser enlarges what is drawn smoothly. */
const LONGEST_SIDE = 320

/**
 * The colours of a feature map as a canvas of the photo's proportions, to be laid over the photo. What the network's input cuts
 * off the photo is transparent.
 * @throws VertebraError as `drawHeatMap`.
 */
export function heatLayer(map: PlacedFeatureMap): HTMLCanvasElement {
  const { placement } = map
  const scale = Math.min(1, LONGEST_SIDE / Math.max(placement.width, placement.height))
  const width = Math.max(1, Math.round(placement.width * scale))
  const height = Math.max(1, Math.round(placement.height * scale))
  const black = { width, height, data: new Uint8Array(width * height * 3) }
  const { data } = drawHeatMap(black, map, { placement, opacity: 1 })
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (!context) throw new VertebraError('OUT_OF_MEMORY', `The browser gave no canvas of ${width}x${height} pixels.`)
  const pixels = context.createImageData(width, height)
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    pixels.data[to] = data[from] as number
    pixels.data[to + 1] = data[from + 1] as number
    pixels.data[to + 2] = data[from + 2] as number
    // What the network's input cuts off the photo stays black, which no heat is.
    pixels.data[to + 3] = data[from] === 0 && data[from + 1] === 0 && data[from + 2] === 0 ? 0 : 255
  }
  context.putImageData(pixels, 0, 0)
  return canvas
}
