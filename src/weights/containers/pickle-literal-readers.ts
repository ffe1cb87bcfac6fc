import type { ByteCursor } from './byte-cursor.ts'
import { integerOfBytes, parseFloat64, parseInteger, parseQuoted, parseRawUnicode } from './pickle-literals.ts'
import { OP } from './pickle-opcodes.ts'
import type { PickleValue } from './pickle-values.ts'

/** The instructions that are a value by themselves, and how each is read. */
export const LITERAL_READERS: ReadonlyMap<number, (cursor: ByteCursor) => PickleValue> = new Map<
  number,
  (cursor: ByteCursor) => PickleValue
>([
  [OP.none, () => null],
  [OP.newTrue, () => true],
  [OP.newFalse, () => false],
  [OP.binInt, (cursor) => cursor.i32()],
  [OP.binInt1, (cursor) => cursor.u8()],
  [OP.binInt2, (cursor) => cursor.u16()],
  [OP.binFloat, (cursor) => cursor.f64BigEndian()],
  [OP.long1, (cursor) => integerOfBytes(cursor.take(cursor.u8()))],
  [OP.long4, (cursor) => integerOfBytes(cursor.take(cursor.u32()))],
  [OP.int, (cursor) => parseIntLine(cursor.line())],
  [OP.long, (cursor) => parseInteger(cursor.line())],
  [OP.float, (cursor) => parseFloat64(cursor.line())],
  [OP.string, (cursor) => parseQuoted(cursor.line())],
  [OP.unicode, (cursor) => parseRawUnicode(cursor.line())],
  // Python 2 has one type for names and for the elements of an array: short ones are taken as names.
  [OP.shortBinString, (cursor) => cursor.latin1(cursor.u8())],
  [OP.binString, (cursor) => cursor.take(cursor.u32())],
  [OP.shortBinBytes, (cursor) => cursor.take(cursor.u8())],
  [OP.binBytes, (cursor) => cursor.take(cursor.u32())],
  [OP.binBytes8, (cursor) => cursor.take(cursor.u64())],
  [OP.byteArray8, (cursor) => cursor.take(cursor.u64())],
  [OP.shortBinUnicode, (cursor) => cursor.utf8(cursor.u8())],
  [OP.binUnicode, (cursor) => cursor.utf8(cursor.u32())],
  [OP.binUnicode8, (cursor) => cursor.utf8(cursor.u64())],
  [OP.emptyList, () => []],
  [OP.emptyTuple, () => []],
  [OP.emptySet, () => []],
  [OP.emptyDict, () => new Map()],
])

/** Protocol 0 and 1 write True and False as 01 and 00. */
function parseIntLine(line: string): PickleValue {
  if (line === '01' || line === '00') return line === '01'
  return parseInteger(line)
}
