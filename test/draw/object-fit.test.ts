import { describe, expect, test } from 'vitest'
import { fitPicture } from '../../src/draw/object-fit.ts'

const element = { width: 200, height: 200 }
const wide = { width: 400, height: 100 }

describe('where CSS shows a picture in its element', () => {
  // By hand from CSS Images 3, sections 5.5 and 5.6.
  test.each([
    ['fill', '50% 50%', { x: 0, y: 0, width: 200, height: 200 }],
    ['contain', '50% 50%', { x: 0, y: 75, width: 200, height: 50 }],
    ['contain', '0% 0%', { x: 0, y: 0, width: 200, height: 50 }],
    ['contain', '50% 100%', { x: 0, y: 150, width: 200, height: 50 }],
    ['contain', '10px 20px', { x: 10, y: 20, width: 200, height: 50 }],
    ['cover', '50% 50%', { x: -300, y: 0, width: 800, height: 200 }],
    ['cover', '25% 0%', { x: -150, y: 0, width: 800, height: 200 }],
    ['none', '50% 50%', { x: -100, y: 50, width: 400, height: 100 }],
    ['scale-down', '50% 50%', { x: 0, y: 75, width: 200, height: 50 }],
    ['contain', 'calc(1px) -5.5px', { x: 0, y: -5.5, width: 200, height: 50 }],
  ])('%s at %s', (fit, position, expected) => {
    expect(fitPicture(element, wide, fit, position)).toEqual(expected)
  })

  test('scale-down does not enlarge', () => {
    const small = { width: 50, height: 20 }
    expect(fitPicture(element, small, 'scale-down', '50% 50%')).toEqual({ x: 75, y: 90, width: 50, height: 20 })
  })
})
