import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expandSources } from '../../src/images/sources.node.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'vertebra-sources-'))
  await mkdir(join(root, 'photos/inner'), { recursive: true })
  await mkdir(join(root, 'empty'))
  for (const name of ['photos/10.jpg', 'photos/2.JPG', 'photos/notes.txt', 'photos/inner/a.png', 'odd[1].jpg']) {
    await writeFile(join(root, name), '')
  }
})
afterAll(() => rm(root, { recursive: true }))

const at = (name: string): string => join(root, name)

test('folders are searched through and sorted with numbers by value', async () => {
  const expected = [at('photos/2.JPG'), at('photos/10.jpg'), at('photos/inner/a.png')]
  expect(await expandSources([at('photos')])).toEqual({ images: expected, problems: [] })
  expect(await expandSources([at('photos/')])).toEqual({ images: expected, problems: [] })
})

test('globs, files, URLs and - keep their order, nothing comes twice', async () => {
  const { images } = await expandSources(['-', at('photos/*'), 'https://example.org/a.jpg?x=*', at('photos/10.jpg')])
  expect(images).toEqual(['-', at('photos/2.JPG'), at('photos/10.jpg'), 'https://example.org/a.jpg?x=*'])
})

test('a file whose name looks like a glob, and one that is not there', async () => {
  const { images, problems } = await expandSources([at('odd[1].jpg'), at('no.jpg')])
  expect(images).toEqual([at('odd[1].jpg')])
  expect(problems.map(({ code, value }) => [code, value])).toEqual([['IMAGE_NOT_FOUND', at('no.jpg')]])
})

test('a folder or glob without a picture is a problem beside the others', async () => {
  const { images, problems } = await expandSources([at('empty'), at('photos/*.txt'), at('photos/2.JPG')])
  expect(images).toEqual([at('photos/2.JPG')])
  expect(problems.map((problem) => problem.code)).toEqual(['IMAGE_NOT_FOUND', 'IMAGE_NOT_FOUND'])
  expect(problems[0]?.message).toMatch(
    /^Expected at least one picture \(jpg, .*\) in the folder ".*empty" but found none\.$/,
  )
})

test('nothing to do is refused', async () => {
  await expect(expandSources([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(expandSources([''])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
