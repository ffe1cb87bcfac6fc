import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { checkFileWritable, writeWhole } from '../../src/cli/write-whole.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder } from '../tiny-model.ts'

let folder: string

beforeEach(() => {
  folder = temporaryFolder()
})

it('follows a link instead of replacing it', async () => {
  mkdirSync(join(folder, 'real'))
  writeFileSync(join(folder, 'real/a.json'), 'old')
  symlinkSync('real/a.json', join(folder, 'link.json'))
  await checkFileWritable(join(folder, 'link.json'))
  await writeWhole(join(folder, 'link.json'), 'new')
  expect(lstatSync(join(folder, 'link.json')).isSymbolicLink()).toBe(true)
  expect(readFileSync(join(folder, 'real/a.json'), 'utf8')).toBe('new')
  expect(readdirSync(join(folder, 'real'))).toEqual(['a.json'])
})

it.skipIf(process.platform === 'win32')('writes into a pipe', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const received = readFile(pipe, 'utf8')
  await checkFileWritable(pipe)
  await writeWhole(pipe, 'text')
  expect(statSync(pipe).isFIFO()).toBe(true)
  expect(await received).toBe('text')
})

it('says that a folder is no file', async () => {
  expect(await errorOf(checkFileWritable(folder))).toMatch(/^OUTPUT_FAILED: Expected a file .* is a folder\.$/)
})
