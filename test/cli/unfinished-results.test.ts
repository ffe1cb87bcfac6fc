import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type DonePhoto, openUnfinished } from '../../src/cli/unfinished-results.ts'
import { temporaryFolder } from '../tiny-model.ts'

let folder: string

beforeAll(() => {
  folder = temporaryFolder()
})

const key = { version: '1.0.0', model: 'abc', device: 'cpu', precision: 'float32', minScore: 0.05, data: '/set' }

const photo = (file: string): DonePhoto => ({
  file,
  bytes: 9,
  modified: 1.5,
  width: 8,
  height: 6,
  detections: [[0, 1, 2, 3.5, 4, 0.25]],
})

it('gives back what was added, also after a line that was cut off', async () => {
  const path = join(folder, 'deep/r.unfinished')
  const begun = await openUnfinished(path, key)
  expect(begun.done.size).toBe(0)
  await begun.add(photo('/a'))
  await begun.add(photo('/b'))
  await begun.close()
  appendFileSync(path, JSON.stringify(photo('/c')).slice(0, 60))
  const resumed = await openUnfinished(path, key)
  expect([...resumed.done.values()]).toEqual([photo('/a'), photo('/b')])
  await resumed.add(photo('/c'))
  await resumed.close()
  appendFileSync(path, `{"file":"/d","bytes":"9"}\n`)
  const again = await openUnfinished(path, key)
  await again.close()
  expect([...again.done.keys()]).toEqual(['/a', '/b', '/c'])
})

it('refuses results of another run and files of another kind, and leaves them as they are', async () => {
  const path = join(folder, 'other')
  await (await openUnfinished(path, key)).close()
  const before = readFileSync(path, 'utf8')
  for (const [name, value] of Object.entries({
    ...key,
    minScore: 0.1,
    model: 'x',
    device: 'cuda',
    precision: 'int8',
    data: '/',
    version: '2',
  })) {
    const other = openUnfinished(path, { ...key, [name]: value })
    await expect(other).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`(${name} `),
    })
  }
  expect(readFileSync(path, 'utf8')).toBe(before)
  writeFileSync(join(folder, 'notes'), 'my notes\n')
  mkdirSync(join(folder, 'folder'))
  for (const name of ['notes', 'folder']) {
    await expect(openUnfinished(join(folder, name), key)).rejects.toThrow('it is another file')
  }
  expect(readFileSync(join(folder, 'notes'), 'utf8')).toBe('my notes\n')
})

it('says when it cannot be written', async () => {
  writeFileSync(join(folder, 'file'), '')
  await expect(openUnfinished(join(folder, 'file/r'), key)).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
})
