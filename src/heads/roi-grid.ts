import { type Boxes, countBoxes } from '../boxes/boxes.ts'
import type { RoiSpec } from './levels.ts'

/**
 * Where RoIAlign samples a map, as the grid of ONNX GridSample (`align_corners` 1, `padding_mode` border): for devices that
 * have this operator and no RoiAlign. The same points as torchvision's and ONNX's RoiAlign with a fixed sampling ratio, so
 * the same means but for rounding (2e-5 of a value); a box below one cell that touches the right or bottom border
 * takes the border's values where RoiAlign takes zeros.
 *
 * @param boxes R boxes in pixels of the network's input.
 * @param map size and stride of the map.
 * @returns `[1, R * S, S, 2]` numbers from -1 to 1 (x, y), S = outputSize * samplingRatio: the points of box i are rows i * S to
 * i * S + S.
 * @example
 * const grid = roiGrid(Float32Array.of(0, 0, 64, 64), { width: 16, height: 16, stride: 8 }, manifest.roi)
 */
export function roiGrid(
  boxes: Boxes,
  map: { readonly width: number; readonly height: number; readonly stride: number },
  { outputSize, samplingRatio, aligned }: Pick<RoiSpec, 'outputSize' | 'samplingRatio' | 'aligned'>,
): Float32Array {
  const side = outputSize * samplingRatio
  const count = countBoxes(boxes)
  const grid = new Float32Array(count * side * side * 2)
  const xs = new Float32Array(side)
  const ys = new Float32Array(side)
  const fill = (points: Float32Array, start: number, end: number, cells: number): void => {
    const from = start / map.stride - (aligned ? 0.5 : 0)
    const length = (end - start) / map.stride
    const step = (aligned ? length : Math.max(length, 1)) / side
    for (let i = 0; i < side; i++) points[i] = cells > 1 ? ((from + (i + 0.5) * step) * 2) / (cells - 1) - 1 : 0
  }
  let at = 0
  for (let box = 0; box < count; box++) {
    fill(xs, boxes[box * 4] as number, boxes[box * 4 + 2] as number, map.width)
    fill(ys, boxes[box * 4 + 1] as number, boxes[box * 4 + 3] as number, map.height)
    for (const y of ys) {
      for (const x of xs) {
        grid[at++] = x
        grid[at++] = y
      }
    }
  }
  return grid
}
