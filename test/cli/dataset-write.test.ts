import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import { beforeEach, expect, it } from 'vitest'
import { writeDataset } from '../../src/cli/dataset-write.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder } from '../tiny-model.ts'

let folder: string

beforeEach(async () => {
  folder = temporaryFolder()
  mkdirSync(join(folder, 'photos'))
  mkdirSync(join(folder, 'out'))
  const image = sharp({ create: { width: 8, height: 6, channels: 3, background: '#808080' } })
  await image.png().toFile(join(folder, 'photos/a.png'))
  writeFileSync(join(folder, 'photos/text.png'), 'no picture')
  writeFileSync(join(folder, 'secret.png'), 'secret')
})

function convert(names: readonly string[]): Promise<string> {
  const photos = join(folder, 'photos')
  const images = names.map((file_name, id) => ({ id, file_name, width: 8, height: 6 }))
  const opened = {
    dataset: { images, annotations: [], categories: [] },
    photos,
    photoPath: (name: string) => resolve(photos, name),
  }
  const target = { format: 'voc', out: join(folder, 'out'), copyPhotos: true } as const
  return writeDataset(opened, target, new AbortController().signal)
}

it('copies the photos that can be read', async () => {
  expect(await convert(['a.png', 'text.png', 'gone.png'])).toContain('1 of 3 photos copied')
  expect(readdirSync(join(folder, 'out')).sort()).toEqual(['Annotations', 'ImageSets', 'JPEGImages'])
  expect(readdirSync(join(folder, 'out/JPEGImages'))).toEqual(['a.png'])
})

it('copies nothing from outside the folder of the photos', async () => {
  for (const name of ['../secret.png', '/etc/hostname']) {
    expect(await errorOf(convert(['a.png', name]))).toMatch(/^DATA_INVALID: Expected a file in the photos' folder/)
    expect(readdirSync(join(folder, 'out'))).toEqual([])
  }
})

it('leaves nothing of a dataset that was not written whole', async () => {
  expect(await errorOf(convert(['a.png', `${'x'.repeat(300)}.png`]))).toMatch(/^OUTPUT_FAILED/)
  expect(readdirSync(join(folder, 'out'))).toEqual([])
})
