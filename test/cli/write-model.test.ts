import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeModel } from '../../src/cli/write-model.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder } from '../tiny-model.ts'

it.each(['between two files', 'after the last'])('leaves nothing when it is interrupted %s', async (when) => {
  const folder = temporaryFolder()
  const interrupt = new AbortController()
  const written = writeModel(
    join(folder, 'out'),
    [],
    async (save) => {
      await save('backbone.onnx', new Uint8Array(1))
      interrupt.abort(new Error('interrupted'))
      if (when === 'between two files') await save('model.json', new Uint8Array(1))
    },
    interrupt.signal,
  )
  expect(await errorOf(written)).toMatch(/^ABORTED/)
  expect(readdirSync(folder)).toEqual([])
})
