import { GLYPHS } from './glyphs.ts'

/** One step of a drawn line, in pixels. */
export type Stroke =
  | { readonly to: 'move' | 'line'; readonly x: number; readonly y: number }
  | {
      readonly to: 'curve'
      readonly controlX: number
      readonly controlY: number
      readonly x: number
      readonly y: number
    }

/** Capital letters are this high, in ems. */
export const CAP_HEIGHT = 0.7
/** Width of the pen, in ems. */
export const STROKE_WIDTH = 0.115

const UNITS = 10
const SPACING = 2

/**
 * A label on one line: control characters become spaces; accents are taken off letters that the built-in glyphs have
 * (`Café` becomes `Cafe`), other characters stay.
 */
export function plainLabel(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return line.replaceAll(/\P{ASCII}\p{M}*/gu, (character) => {
    const base = character.normalize('NFKD').replaceAll(/\p{M}/gu, '')
    return hasGlyphs(base) ? base : character
  })
}

/** Whether the built-in glyphs cover all of the text; if not it has to be set in a font of the system. */
export function hasGlyphs(text: string): boolean {
  for (const character of text) if (!Object.hasOwn(GLYPHS, character)) return false
  return true
}

/** Width of a text in pixels at a font size in pixels per em; for characters without a glyph a generous guess. */
export function textWidth(text: string, fontSize: number): number {
  let units = 0
  for (const character of text) {
    const glyph = Object.hasOwn(GLYPHS, character) ? GLYPHS[character] : undefined
    units += glyph === undefined ? ((character.codePointAt(0) ?? 0) >= 0x1100 ? 10.5 : 7.5) : glyph[0] + SPACING
  }
  return (Math.max(0, units - SPACING) / UNITS) * fontSize
}

/** The pen's way through a text whose capitals start at (x, top). Characters without a glyph are left out. */
export function textStrokes(text: string, x: number, top: number, fontSize: number): Stroke[] {
  const scale = fontSize / UNITS
  const strokes: Stroke[] = []
  let left = x
  for (const character of text) {
    const glyph = Object.hasOwn(GLYPHS, character) ? GLYPHS[character] : undefined
    if (glyph === undefined) continue
    for (const [, command, numbers] of glyph[1].matchAll(/([MLQ])([^MLQ]*)/g)) {
      const [a = 0, b = 0, c = 0, d = 0] = (numbers as string).split(' ').map((number) => Number(number) * scale)
      if (command === 'Q') {
        strokes.push({ to: 'curve', controlX: left + a, controlY: top + b, x: left + c, y: top + d })
      } else {
        strokes.push({ to: command === 'M' ? 'move' : 'line', x: left + a, y: top + b })
      }
    }
    left += (glyph[0] + SPACING) * scale
  }
  return strokes
}
