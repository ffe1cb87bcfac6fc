import { describe, expect, it } from 'vitest'
import { MessageWriter } from '../../src/onnx/wire.ts'
import { readCaffemodel } from '../../src/weights/containers/caffemodel.ts'

const LAYER = 100

/** A layer whose blobs hold nothing: a few bytes each. */
function caffemodel(name: string, blobs: number): Uint8Array {
  const layer = new MessageWriter().string(1, name)
  for (let i = 0; i < blobs; i++) {
    const shape = new MessageWriter().int64(1, 0)
    layer.message(
      7,
      new MessageWriter().message(7, shape).bytesLater(5, 0, () => new Uint8Array(0)),
    )
  }
  return new MessageWriter().message(LAYER, layer).finish()
}

describe('a .caffemodel', () => {
  it('is read with as many blobs and as long a name as a layer may have', () => {
    const { tensors } = readCaffemodel(caffemodel('a'.repeat(4096), 16))
    expect(tensors.size).toBe(16)
  })

  it.each<[string, Uint8Array, RegExp]>([
    ['a name that each blob would copy', caffemodel('a'.repeat(1 << 20), 2), /names of at most 4096 .*"a+\.\.\."/],
    ['more blobs than any layer has', caffemodel('a', 17), /at most 16 blobs in layer "a" .* received 17/],
  ])('is refused with %s', (_, bytes, message) => {
    expect(() => readCaffemodel(bytes)).toThrow(message)
    expect(() => readCaffemodel(bytes)).toThrow(expect.objectContaining({ code: 'WEIGHTS_INVALID' }))
  })
})
