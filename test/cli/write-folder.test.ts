import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { writeFolder } from '../../src/cli/write-folder.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder } from '../tiny-model.ts'

let folder: string

beforeEach(() => {
  folder = temporaryFolder()
})

/** Writes files whose content is their name and `version`. */
function write(out: string, names: readonly string[], version: string, failure?: Error): Promise<void> {
  return writeFolder(out, 'model.json', async (hidden) => {
    for (const name of names) await writeFile(join(hidden, name), `${name} ${version}`)
    if (failure) throw failure
  })
}

const contents = (out: string): Record<string, string> =>
  Object.fromEntries(readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'utf8')]))

it('replaces what it writes and leaves what else is there', async () => {
  const out = join(folder, 'a/b')
  await write(out, ['model.json', 'x.onnx'], '1')
  writeFileSync(join(out, 'notes.txt'), 'mine')
  await write(out, ['x.onnx', 'model.json'], '2')
  expect(contents(out)).toEqual({ 'model.json': 'model.json 2', 'x.onnx': 'x.onnx 2', 'notes.txt': 'mine' })
})

it('leaves a folder as it was when the work fails, and none that was not there', async () => {
  const failure = new Error('halfway')
  await expect(write(join(folder, 'a/b'), ['x.onnx'], '1', failure)).rejects.toBe(failure)
  expect(readdirSync(folder)).toEqual([])
  await write(join(folder, 'a'), ['x.onnx', 'model.json'], '1')
  await expect(write(join(folder, 'a'), ['x.onnx', 'model.json'], '2', failure)).rejects.toBe(failure)
  expect(contents(join(folder, 'a'))).toEqual({ 'model.json': 'model.json 1', 'x.onnx': 'x.onnx 1' })
  mkdirSync(join(folder, 'empty'))
  await expect(write(join(folder, 'empty'), [], '1', failure)).rejects.toBe(failure)
  expect(existsSync(join(folder, 'empty'))).toBe(true)
})

it('leaves a folder as it was when one file cannot take its place', async () => {
  await write(folder, ['a.onnx', 'z.onnx', 'model.json'], '1')
  mkdirSync(join(folder, 'm.onnx'))
  const failed = await errorOf(write(folder, ['a.onnx', 'm.onnx', 'z.onnx', 'model.json'], '2'))
  expect(failed).toMatch(/^OUTPUT_FAILED: .* m\.onnx is a folder\.$/)
  expect(readdirSync(folder).sort()).toEqual(['a.onnx', 'm.onnx', 'model.json', 'z.onnx'])
  for (const name of ['a.onnx', 'z.onnx', 'model.json']) {
    expect(readFileSync(join(folder, name), 'utf8')).toBe(`${name} 1`)
  }
})

it('says which folder it cannot write into', async () => {
  writeFileSync(join(folder, 'file'), '')
  const failed = await errorOf(write(join(folder, 'file'), [], '1'))
  expect(failed).toMatch(/^OUTPUT_FAILED: Expected a folder to write into but .*file is not/)
})
