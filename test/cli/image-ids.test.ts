import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { imageIds } from '../../src/cli/image-ids.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder } from '../tiny-model.ts'

const path = join(temporaryFolder(), 'instances.json')
const image = (id: number, file_name: string) => ({ id, file_name, width: 8, height: 6 })
const images = [image(1, 'train/a.jpg'), image(2, 'val/a.jpg'), image(3, 'images/b.jpg')]
writeFileSync(path, JSON.stringify({ images, annotations: [], categories: [] }))

it('takes the image whose path ends most like the file’s', async () => {
  const ids = await imageIds(path, ['/set/val/a.jpg', 'train/a.jpg', 'photos/b.jpg'])
  expect([...ids.values()]).toEqual([2, 1, 3])
})

it('refuses what is none, any of several, or one of two', async () => {
  expect(await errorOf(imageIds(path, ['c.jpg']))).toMatch(/but it is not there\.$/)
  expect(await errorOf(imageIds(path, ['/photos/a.jpg']))).toMatch(/it may be any of train\/a\.jpg, val\/a\.jpg\.$/)
  expect(await errorOf(imageIds(path, ['/x/b.jpg', '/y/b.jpg']))).toMatch(/x\/b\.jpg and \/y\/b\.jpg are the same one/)
})
