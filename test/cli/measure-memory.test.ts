import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { encodeImage } from '../../src/draw/encode.node.ts'
import { temporaryFolder, testPhoto, tinyModelFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

it('counts what the model takes, not what the process that starts it holds', async () => {
  const photo = join(temporaryFolder(), 'photo.png')
  await writeFile(photo, await encodeImage(testPhoto(160, 120), { format: 'png' }))
  const held = new Uint8Array(800e6).fill(1)
  const { code, stdout } = await runCli(['measure-memory', '--model', await tinyModelFolder(), '--', photo])
  expect(code).toBe(0)
  expect(Number(stdout)).toBeGreaterThan(30e6)
  expect(Number(stdout)).toBeLessThan(held.length)
})
