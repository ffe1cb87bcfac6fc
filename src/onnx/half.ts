/** The largest number that float16 has. */
export const MAX_HALF = 65504

/** A float16 (IEEE 754 binary16) as a number: 1 sign bit, 5 exponent bits with bias 15, 10 fraction bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** The bits of the nearest float16 for the bits of a float32, halves to even. What is too large or NaN becomes infinity. */
export function floatBitsToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 112
  const fraction = bits & 0x7fffff
  if (exponent >= 31) return sign | 0x7c00
  // A carry out of the fraction counts the exponent up, as it should.
  if (exponent > 0) return sign | (((exponent << 10) | (fraction >> 13)) + carry(fraction, 13))
  if (exponent < -10) return sign
  const whole = fraction | 0x800000
  const shift = 14 - exponent
  return sign | ((whole >> shift) + carry(whole, shift))
}

/** 1 where the `shift` lowest bits that are dropped are more than half, or half of an odd rest. */
function carry(value: number, shift: number): 0 | 1 {
  const dropped = value & ((1 << shift) - 1)
  const middle = 1 << (shift - 1)
  return dropped > middle || (dropped === middle && ((value >> shift) & 1) === 1) ? 1 : 0
}
