import { describe } from '../../errors.ts'
import { type ElementType, invalidWeights } from '../stored-tensor.ts'

/** An element type as NumPy writes it, `<f4`. */
export interface NumpyType {
  readonly dtype: ElementType
  readonly isBigEndian: boolean
}

const KINDS: Readonly<Record<string, ElementType>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u1: 'U8',
  b1: 'BOOL',
}

/**
 * Reads NumPy's text for an element type: byte order (`<`, `>`, `=`, `|` or none) and kind.
 * @throws VertebraError `WEIGHTS_INVALID` for one that is no plain number (objects, records, texts, complex numbers)
 */
export function numpyType(text: string): NumpyType {
  const [, order, kind = ''] = /^([<>=|]?)([a-z]\d)$/.exec(text) ?? []
  const dtype = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
  if (dtype) return { dtype, isBigEndian: order === '>' }
  throw invalidWeights(`a NumPy element type out of ${Object.keys(KINDS).join(', ')} but received ${describe(text)}`)
}
