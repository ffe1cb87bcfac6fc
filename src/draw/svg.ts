import { escapeMarkup } from '../markup.ts'
import { hex } from './colour.ts'
import {
  type DrawableDetection,
  type DrawOptions,
  type LaidOutBox,
  type LaidOutLabel,
  layoutDetections,
} from './layout.ts'
import { hasGlyphs, STROKE_WIDTH, type Stroke, textStrokes, textWidth } from './text.ts'

export interface SvgOptions extends DrawOptions {
  /** URL of the picture to lie under the boxes, usually a `data:` URL. Without it the overlay is transparent. */
  readonly picture?: string | undefined
}

/**
 * Boxes and labels as an SVG document of the picture's size. Labels are drawn as lines, so that they need no font; each
 * box carries its label as a `<title>` too, for pointers and screen readers.
 *
 * @throws VertebraError `INVALID_ARGUMENT` for boxes that are not finite numbers, or options out of range.
 * @example
 * const svg = renderSvg({ width: 640, height: 480 }, [{ box: [10, 20, 200, 300], label: 'cat', score: 0.98, classIndex: 7 }])
 */
export function renderSvg(
  size: { readonly width: number; readonly height: number },
  detections: readonly DrawableDetection[],
  options: SvgOptions = {},
): string {
  const { width, height } = size
  const { boxes, lineWidth } = layoutDetections(width, height, detections, options)
  const picture =
    options.picture === undefined
      ? []
      : [`<image href="${escapeMarkup(options.picture)}" width="${width}" height="${height}"/>`]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    ...picture,
    '<g fill="none" stroke-linejoin="round">',
    ...boxes.map((box) => frameMarkup(box, lineWidth)),
    '</g>',
    '<g stroke-linecap="round" stroke-linejoin="round">',
    ...boxes.map(({ label, colour, ink }) => (label === undefined ? '' : labelMarkup(label, hex(colour), hex(ink)))),
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

function frameMarkup({ frame, colour, label }: LaidOutBox, lineWidth: number): string {
  const place = `x="${round(frame.x)}" y="${round(frame.y)}" width="${round(frame.width)}" height="${round(frame.height)}"`
  const title = label === undefined ? '' : `<title>${escapeMarkup(label.text)}</title>`
  // The dark line under the coloured one keeps it apart from a background of the same colour.
  return (
    `<g>${title}<rect ${place} stroke="#000" stroke-opacity="0.4" stroke-width="${round(lineWidth * 1.7)}"/>` +
    `<rect ${place} stroke="${hex(colour)}" stroke-width="${round(lineWidth)}"/></g>`
  )
}

function labelMarkup({ text, plate, fontSize, x, top }: LaidOutLabel, colour: string, ink: string): string {
  const rectangle =
    `<rect x="${round(plate.x)}" y="${round(plate.y)}" width="${round(plate.width)}" height="${round(plate.height)}" ` +
    `rx="${round(fontSize * 0.15)}" fill="${colour}"/>`
  if (!hasGlyphs(text)) {
    const width = round(textWidth(text, fontSize))
    return (
      `${rectangle}<text x="${round(x)}" y="${round(top + fontSize * 0.7)}" font-family="sans-serif" font-weight="600" ` +
      `font-size="${round(fontSize * 0.92)}" textLength="${width}" lengthAdjust="spacingAndGlyphs" fill="${ink}">${escapeMarkup(text)}</text>`
    )
  }
  const path = textStrokes(text, x, top, fontSize).map(pathCommand).join('')
  return `${rectangle}<path d="${path}" fill="none" stroke="${ink}" stroke-width="${round(fontSize * STROKE_WIDTH)}"/>`
}

function pathCommand(stroke: Stroke): string {
  const end = `${round(stroke.x)} ${round(stroke.y)}`
  if (stroke.to === 'curve') return `Q${round(stroke.controlX)} ${round(stroke.controlY)} ${end}`
  return `${stroke.to === 'move' ? 'M' : 'L'}${end}`
}

const round = (value: number): number => Math.round(value * 100) / 100
