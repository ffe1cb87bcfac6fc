import { readFileSync } from 'node:fs'

const FOLDER = new URL('../fixtures/weights/', import.meta.url)

/** A file that test/reference/weight_files.py wrote. */
export function fixtureFile(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FOLDER)))
}

/** The tensors that the files hold, by the kind of file. */
export const expected: Record<
  'torch' | 'numpy' | 'caffe',
  Record<string, { shape: number[]; values: number[] }>
> = JSON.parse(readFileSync(new URL('expected.json', FOLDER), 'utf8'))
