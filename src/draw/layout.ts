import type { XYWH } from '../boxes/boxes.ts'
import { checkCount } from '../checks.ts'
import { unexpected } from '../errors.ts'
import { classColour, inkOn, type Rgb } from './colour.ts'
import { CAP_HEIGHT, plainLabel, textWidth } from './text.ts'

/** What drawing needs to know of a detection. */
export interface DrawableDetection {
  /** x, y, width, height in pixels of the picture. */
  readonly box: XYWH
  readonly label: string
  readonly score: number
  /** Decides the colour. */
  readonly classIndex: number
}

export interface DrawOptions {
  /** Width of the boxes' lines in pixels. Default: suits the picture's size. */
  readonly lineWidth?: number | undefined
  /** Font size of the labels in pixels. Default: suits the picture's size. */
  readonly fontSize?: number | undefined
  /** Whether to draw labels. Default true. */
  readonly labels?: boolean | undefined
  /** Whether labels end with the score. Default true. */
  readonly scores?: boolean | undefined
}

/** A rectangle in pixels of the picture. */
export interface Rectangle {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A label on its coloured plate. */
export interface LaidOutLabel {
  readonly text: string
  readonly plate: Rectangle
  readonly fontSize: number
  /** Left edge of the text, and top of its capitals. */
  readonly x: number
  readonly top: number
}

/** A box as it is drawn: the centre line of its frame, moved inwards so that the whole frame is in the picture. */
export interface LaidOutBox {
  readonly frame: Rectangle
  readonly colour: Rgb
  readonly ink: Rgb
  /** Absent when labels are off, or the picture is too small for one. */
  readonly label: LaidOutLabel | undefined
}

/** Everything that a renderer draws, in the order of drawing: all frames, then all labels. */
export interface Layout {
  readonly width: number
  readonly height: number
  readonly lineWidth: number
  readonly boxes: readonly LaidOutBox[]
}

/** Beyond this many labels nobody reads them: the search for free places looks at the last so many only. */
const NEIGHBOURS = 300

/**
 * Lays out boxes and labels on a picture of `width` x `height` pixels, once for all renderers. Labels never leave the
 * picture; they move aside for labels of higher scores where there is room.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for boxes that are not finite numbers, or options out of range.
 */
export function layoutDetections(
  width: number,
  height: number,
  detections: readonly DrawableDetection[],
  options: DrawOptions = {},
): Layout {
  requirePositive('width', width)
  requirePositive('height', height)
  const side = Math.sqrt(width * height)
  const { lineWidth = Math.max(1.5, side * 0.0045), fontSize = Math.max(11, side * 0.027) } = options
  requirePositive('lineWidth', lineWidth)
  requirePositive('fontSize', fontSize)
  const placed: Rectangle[] = []
  const boxes = [...detections]
    .sort((a, b) => b.score - a.score)
    .map((detection): LaidOutBox => {
      const frame = frameOf(detection.box, width, height, lineWidth)
      const colour = classColour(checkCount('classIndex', detection.classIndex, 0))
      const label =
        options.labels === false
          ? undefined
          : layoutLabel(labelText(detection, options), frame, fontSize, lineWidth, placed, width, height)
      if (label !== undefined) placed.push(label.plate)
      return { frame, colour, ink: inkOn(colour), label }
    })
  return { width, height, lineWidth, boxes: boxes.reverse() }
}

function labelText({ label, score }: DrawableDetection, { scores = true }: DrawOptions): string {
  return plainLabel(scores ? `${label} ${score.toFixed(2)}` : label)
}

function frameOf(box: XYWH, width: number, height: number, lineWidth: number): Rectangle {
  if (box.length !== 4 || !box.every(Number.isFinite)) throw unexpected('a box to draw', 'four finite numbers', box)
  const half = lineWidth / 2
  const [x1, x2] = clampSpan(box[0], box[0] + box[2], width, half)
  const [y1, y2] = clampSpan(box[1], box[1] + box[3], height, half)
  return { x: x1, y: y1, width: x2 - x1, height: y2 - y1 }
}

/** A span cut to the picture, and moved inwards by half a line; never of negative length. */
function clampSpan(start: number, end: number, size: number, half: number): [number, number] {
  const low = Math.min(half, size / 2)
  const from = Math.min(Math.max(start + half, low), size - low)
  return [from, Math.max(from, Math.min(end - half, size - low))]
}

function layoutLabel(
  wanted: string,
  frame: Rectangle,
  wantedSize: number,
  lineWidth: number,
  placed: readonly Rectangle[],
  width: number,
  height: number,
): LaidOutLabel | undefined {
  // A label as wide as the picture is set smaller, down to 8 pixels, then cut.
  const smallest = Math.min(8, wantedSize)
  const widest = plateSize(wanted, 1)
  const fontSize = Math.max(smallest, Math.min(wantedSize, width / widest.width, height / widest.height))
  const text = cutToWidth(wanted, fontSize, width)
  const plate = plateSize(text, fontSize)
  if (text === '' || plate.height > height) return undefined
  const half = lineWidth / 2
  const left = frame.x - half
  const right = frame.x + frame.width + half - plate.width
  const above = frame.y - half - plate.height
  const below = frame.y + frame.height + half
  const inside = frame.y - half
  const candidates = [
    [left, above],
    [right, above],
    [left, inside],
    [left, below],
    [right, inside],
    [right, below],
    [left, below - plate.height],
    [right, below - plate.height],
  ] as const
  let best: Rectangle | undefined
  let leastCost = Number.POSITIVE_INFINITY
  for (const [wantedX, wantedY] of candidates) {
    const x = Math.min(Math.max(wantedX, 0), width - plate.width)
    const y = Math.min(Math.max(wantedY, 0), height - plate.height)
    const candidate = { x, y, ...plate }
    // A place that had to be moved into the picture is as good as one that covers a tenth of another label.
    const moved = x !== wantedX || y !== wantedY ? (plate.width * plate.height) / 10 : 0
    const cost = moved + placed.slice(-NEIGHBOURS).reduce((sum, other) => sum + overlap(candidate, other), 0)
    if (cost < leastCost) {
      leastCost = cost
      best = candidate
    }
    if (cost === 0) break
  }
  if (best === undefined) return undefined
  return {
    text,
    plate: best,
    fontSize,
    x: best.x + fontSize * PADDING,
    top: best.y + (plate.height - CAP_HEIGHT * fontSize) / 2,
  }
}

/** Space left and right of the text, in ems. */
const PADDING = 0.4

function plateSize(text: string, fontSize: number): { width: number; height: number } {
  return { width: textWidth(text, fontSize) + 2 * PADDING * fontSize, height: 1.4 * fontSize }
}

function cutToWidth(text: string, fontSize: number, width: number): string {
  if (plateSize(text, fontSize).width <= width) return text
  const characters = [...text]
  const start = (count: number): string => characters.slice(0, count).join('')
  let fitting = 0
  for (let beyond = characters.length + 1; beyond - fitting > 1; ) {
    const count = (fitting + beyond) >> 1
    if (plateSize(`${start(count)}..`, fontSize).width > width) beyond = count
    else fitting = count
  }
  return fitting > 0 ? `${start(fitting).trimEnd()}..` : ''
}

function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  return Math.max(0, width) * Math.max(0, height)
}

function requirePositive(name: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) throw unexpected(name, 'a number above 0', value)
}
