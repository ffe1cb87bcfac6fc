import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classColour, contrast, hex, inkOn, oklch } from '../../src/draw/colour.ts'
import { type DrawableDetection, layoutDetections, type Rectangle } from '../../src/draw/layout.ts'
import { hasGlyphs, plainLabel, textStrokes, textWidth } from '../../src/draw/text.ts'

const cat: DrawableDetection = { box: [100, 100, 200, 150], label: 'cat', score: 0.987, classIndex: 7 }

describe('colours', () => {
  test('OKLCH in sRGB', () => {
    expect(oklch(1, 0, 0)).toEqual([255, 255, 255])
    expect(oklch(0, 0.1, 90)).toEqual([0, 0, 0])
    expect(hex(oklch(0.627955, 0.257683, 29.2339))).toBe('#ff0000') // the red of sRGB, from Ottosson's table
    expect(hex(oklch(0.519752, 0.176858, 142.4953))).toBe('#008000')
  })

  test('labels can be read on any class colour', () => {
    for (let i = 0; i < 400; i++) expect(contrast(inkOn(classColour(i)), classColour(i))).toBeGreaterThanOrEqual(4.5)
  })

  test('the colours of 20 classes are unlike each other', () => {
    const colours = Array.from({ length: 20 }, (_, i) => classColour(i))
    for (const [i, a] of colours.entries()) {
      for (const b of colours.slice(i + 1)) {
        expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]), `${hex(a)} ${hex(b)}`).toBeGreaterThan(30)
      }
    }
  })
})

describe('text', () => {
  test('every printable ASCII character has a glyph that stays in its cell', () => {
    for (let code = 32; code < 127; code++) {
      const character = String.fromCharCode(code)
      expect(hasGlyphs(character), character).toBe(true)
      const width = textWidth(character, 10)
      for (const { x, y } of textStrokes(character, 0, 0, 10)) {
        expect(x, character).toBeGreaterThanOrEqual(0)
        expect(x, character).toBeLessThanOrEqual(width + 1e-9)
        expect(y, character).toBeGreaterThanOrEqual(-1)
        expect(y, character).toBeLessThanOrEqual(9.2)
      }
    }
  })

  test('width grows with the text and the font size', () => {
    expect(textWidth('', 20)).toBe(0)
    expect(textWidth('aa', 20)).toBeCloseTo(2 * textWidth('a', 20) + 4)
    expect(textWidth('person', 40)).toBeCloseTo(2 * textWidth('person', 20))
  })

  test('accents go, controls become spaces, the rest stays', () => {
    expect(plainLabel('Café\n au\u0000lait')).toBe('Cafe au lait')
    expect(plainLabel('caf\u0065\u0301')).toBe('cafe')
    expect(plainLabel('猫 é')).toBe('猫 e')
    expect(hasGlyphs('猫')).toBe(false)
  })
})

describe('layout', () => {
  test('a label of 30,000 characters is cut like one of 300', () => {
    const cut = (length: number) =>
      layoutDetections(640, 480, [{ ...cat, label: 'a'.repeat(length) }]).boxes[0]?.label?.text
    expect(cut(30_000)).toMatch(/^a+\.\.$/)
    expect(cut(30_000)).toBe(cut(300))
  })

  test('a label stands on the left end of its frame, above it', () => {
    const { boxes, lineWidth } = layoutDetections(640, 480, [cat])
    const [box] = boxes
    expect(box?.label?.text).toBe('cat 0.99')
    expect(box?.label?.plate.x).toBeCloseTo(100)
    expect((box?.label?.plate.y ?? 0) + (box?.label?.plate.height ?? 0)).toBeCloseTo(100)
    expect(box?.frame.x).toBeCloseTo(100 + lineWidth / 2)
    expect(box?.frame.width).toBeCloseTo(200 - lineWidth)
  })

  test('inside at the top edge, and beside a label of a higher score', () => {
    const top = layoutDetections(640, 480, [{ ...cat, box: [100, 2, 200, 150] }]).boxes[0]
    expect(top?.label?.plate.y).toBeCloseTo(2)
    const { boxes } = layoutDetections(640, 480, [{ ...cat, score: 0.5, label: 'dog' }, cat])
    expect(boxes.map((box) => box.label?.text)).toEqual(['dog 0.50', 'cat 0.99']) // the best is drawn last
    expect(overlap(boxes[0]?.label?.plate, boxes[1]?.label?.plate)).toBe(0)
  })

  test('options', () => {
    const layout = layoutDetections(640, 480, [cat], { lineWidth: 7, fontSize: 33, scores: false })
    expect(layout.lineWidth).toBe(7)
    expect(layout.boxes[0]?.label).toMatchObject({ text: 'cat', fontSize: 33 })
    expect(layoutDetections(640, 480, [cat], { labels: false }).boxes[0]?.label).toBeUndefined()
  })

  test('long labels are set smaller, then cut', () => {
    const long = { ...cat, label: 'a very long name of a class that nobody will want to read' }
    const medium = layoutDetections(400, 300, [long], { fontSize: 16 }).boxes[0]?.label
    expect(medium?.text).toContain('to read 0.99')
    expect(medium?.fontSize).toBeLessThan(15)
    expect(medium?.plate.width).toBeCloseTo(400)
    expect(layoutDetections(100, 80, [long]).boxes[0]?.label?.text).toMatch(/^a very.*\.\.$/)
    expect(layoutDetections(5, 5, [long]).boxes[0]?.label).toBeUndefined()
  })

  test('nothing ever leaves the picture', () => {
    const coordinate = fc.double({ min: -1e4, max: 1e4, noNaN: true })
    const detection = fc.record({
      box: fc.tuple(coordinate, coordinate, coordinate, coordinate),
      label: fc.string({ unit: 'binary', maxLength: 40 }),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      classIndex: fc.nat(1000),
    })
    const side = fc.integer({ min: 1, max: 5000 })
    fc.assert(
      fc.property(side, side, fc.array(detection, { maxLength: 12 }), (width, height, detections) => {
        const { boxes } = layoutDetections(width, height, detections)
        expect(boxes.length).toBe(detections.length)
        for (const { frame, label } of boxes) {
          for (const rectangle of label === undefined ? [frame] : [frame, label.plate]) {
            expect(Math.min(rectangle.x, rectangle.y, rectangle.width, rectangle.height)).toBeGreaterThanOrEqual(0)
            expect(rectangle.x + rectangle.width).toBeLessThanOrEqual(width + 1e-6)
            expect(rectangle.y + rectangle.height).toBeLessThanOrEqual(height + 1e-6)
          }
        }
      }),
    )
  })

  test('thousands of boxes are laid out within the time a test may take', () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({ ...cat, score: i / 5000 }))
    expect(layoutDetections(640, 480, many).boxes.length).toBe(5000)
  })

  test('bad numbers are refused', () => {
    expect(() => layoutDetections(0, 5, [])).toThrow('Expected a number above 0 for width but received 0.')
    expect(() => layoutDetections(5, 5, [], { lineWidth: -1 })).toThrow('lineWidth')
    expect(() => layoutDetections(5, 5, [], { fontSize: Number.NaN })).toThrow('fontSize')
    expect(() => layoutDetections(5, 5, [{ ...cat, box: [0, 0, Number.NaN, 1] }])).toThrow('four finite numbers')
    const short: readonly number[] = [0, 0, 1]
    expect(() => layoutDetections(5, 5, [{ ...cat, box: short as typeof cat.box }])).toThrow('four finite numbers')
    expect(() => layoutDetections(5, 5, [{ ...cat, classIndex: -1 }])).toThrow('classIndex')
  })
})

function overlap(a: Rectangle | undefined, b: Rectangle | undefined): number {
  if (a === undefined || b === undefined) throw new Error('no label')
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  return Math.max(0, width) * Math.max(0, height)
}
