import { escapeMarkup } from '../markup.ts'

/** A part of a picture from some height downwards: its elements and how much of the height it takes. */
export interface Drawing {
  readonly markup: string
  readonly height: number
}

/** Places of a picture that is as wide as a phone's screen; heights follow from what is drawn. */
export const LAYOUT = {
  width: 420,
  margin: 16,
  /** The line that all layers stand on. */
  wire: 150,
  layerWidth: 176,
  layerHeight: 22,
  gap: 8,
  /** How far right a shortcut swings out. */
  arc: 276,
} as const

export function rect(kind: string, x: number, y: number, width: number, height: number, radius = 4): string {
  return `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`
}

export function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return path(kind, `M${x1} ${y1}L${x2} ${y2}`)
}

export function path(kind: string, commands: string): string {
  return `<path class="${kind}" d="${commands}"/>`
}

/** Text whose `y` is the middle of its line. */
export function text(kind: string, x: number, y: number, content: string): string {
  return `<text class="${kind}" x="${x}" y="${y + 4}">${escapeMarkup(content)}</text>`
}

/** Parts below each other. */
export function stack(y: number, parts: readonly ((y: number) => Drawing)[]): Drawing {
  let height = 0
  let markup = ''
  for (const part of parts) {
    const drawing = part(y + height)
    markup += drawing.markup
    height += drawing.height
  }
  return { markup, height }
}
