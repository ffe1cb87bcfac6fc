import { expect } from 'vitest'
import { unexpected, type VertebraError, type VertebraErrorCode } from '../../src/errors.ts'
import { type DecodeOptions, decodeImage, type ImageInput } from '../../src/images/decode.node.ts'
import type { RgbImage } from '../../src/images/image.ts'

/** Red left, green right, a blue bar at the bottom; 24 x 16. */
export function expectFlag(image: RgbImage, tolerance: number, colours: [number[], number[], number[]] = FLAG): void {
  expect([image.width, image.height]).toEqual([24, 16])
  const points: [number, number, number[]][] = [
    [3, 3, colours[0]],
    [20, 3, colours[1]],
    [12, 14, colours[2]],
  ]
  for (const [x, y, colour] of points) {
    const pixel = image.data.subarray((y * 24 + x) * 3, (y * 24 + x) * 3 + 3)
    for (let c = 0; c < 3; c++) {
      expect(Math.abs((pixel[c] as number) - (colour[c] as number)), `${[...pixel]} at ${x},${y}`).toBeLessThanOrEqual(
        tolerance,
      )
    }
  }
}

const FLAG: [number[], number[], number[]] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
]

/** The message of what `decodeImage` throws, with this code and in one line. */
export async function failure(input: unknown, code: VertebraErrorCode, options?: DecodeOptions): Promise<string> {
  const error: VertebraError = await decodeImage(input as ImageInput, options).then(
    () => {
      throw unexpected('the test', `a failure with ${code}`, 'a picture')
    },
    (cause) => cause,
  )
  expect({ name: error.name, code: error.code, message: error.message }).toEqual({
    name: 'VertebraError',
    code,
    message: error.message,
  })
  expect(error.message).not.toContain('\n')
  return error.message
}
