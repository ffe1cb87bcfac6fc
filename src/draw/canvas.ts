import { hex } from './colour.ts'
import { type DrawableDetection, type DrawOptions, type LaidOutLabel, layoutDetections } from './layout.ts'
import { hasGlyphs, STROKE_WIDTH, textStrokes, textWidth } from './text.ts'

/**
 * The part of a 2D context that drawing needs. The browser's `CanvasRenderingContext2D` and
 * `OffscreenCanvasRenderingContext2D` and the contexts of the Node packages `canvas` and `@napi-rs/canvas` have it.
 */
export interface Canvas2D {
  readonly canvas: { readonly width: number; readonly height: number }
  fillStyle: unknown
  strokeStyle: unknown
  lineWidth: number
  lineCap: string
  lineJoin: string
  font: string
  globalAlpha: number
  save(): void
  restore(): void
  beginPath(): void
  moveTo(x: number, y: number): void
  lineTo(x: number, y: number): void
  quadraticCurveTo(controlX: number, controlY: number, x: number, y: number): void
  stroke(): void
  strokeRect(x: number, y: number, width: number, height: number): void
  fillRect(x: number, y: number, width: number, height: number): void
  fillText(text: string, x: number, y: number, maxWidth?: number): void
}

export interface CanvasOptions extends DrawOptions {
  /** Size of the picture that the boxes belong to, in units of the context. Default: the size of the canvas. */
  readonly width?: number | undefined
  readonly height?: number | undefined
}

/**
 * Draws boxes and labels on a canvas, over whatever is there. Labels are drawn as lines and need no font. The context is
 * left in the state in which it was found; its transform applies.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for boxes that are not finite numbers, or options out of range.
 * @example
 * const context = canvas.getContext('2d')
 * context.drawImage(photo, 0, 0)
 * drawOnCanvas(context, detections)
 */
export function drawOnCanvas(
  context: Canvas2D,
  detections: readonly DrawableDetection[],
  options: CanvasOptions = {},
): void {
  const { width = context.canvas.width, height = context.canvas.height } = options
  const { boxes, lineWidth } = layoutDetections(width, height, detections, options)
  context.save()
  context.lineJoin = 'round'
  context.lineCap = 'round'
  for (const { frame, colour } of boxes) {
    const alpha = context.globalAlpha
    context.globalAlpha = alpha * 0.4
    strokeFrame(context, frame, '#000000', lineWidth * 1.7)
    context.globalAlpha = alpha
    strokeFrame(context, frame, hex(colour), lineWidth)
  }
  for (const { label, colour, ink } of boxes) {
    if (label !== undefined) drawLabel(context, label, hex(colour), hex(ink))
  }
  context.restore()
}

function strokeFrame(
  context: Canvas2D,
  frame: { x: number; y: number; width: number; height: number },
  colour: string,
  lineWidth: number,
): void {
  context.strokeStyle = colour
  context.lineWidth = lineWidth
  context.strokeRect(frame.x, frame.y, frame.width, frame.height)
}

function drawLabel(context: Canvas2D, label: LaidOutLabel, colour: string, ink: string): void {
  const { text, plate, fontSize, x, top } = label
  context.fillStyle = colour
  context.fillRect(plate.x, plate.y, plate.width, plate.height)
  if (!hasGlyphs(text)) {
    context.fillStyle = ink
    context.font = `600 ${fontSize * 0.92}px sans-serif`
    context.fillText(text, x, top + fontSize * 0.7, textWidth(text, fontSize))
    return
  }
  context.strokeStyle = ink
  context.lineWidth = fontSize * STROKE_WIDTH
  context.beginPath()
  for (const stroke of textStrokes(text, x, top, fontSize)) {
    if (stroke.to === 'curve') context.quadraticCurveTo(stroke.controlX, stroke.controlY, stroke.x, stroke.y)
    else if (stroke.to === 'move') context.moveTo(stroke.x, stroke.y)
    else context.lineTo(stroke.x, stroke.y)
  }
  context.stroke()
}
