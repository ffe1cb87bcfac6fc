import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'

const missing = !existsSync('dist/index.node.js')
if (missing) console.warn('Skipped: examples of the command line, because the library is not built (npm run build).')

describe.skipIf(missing)('from another folder', () => {
  it('examples/folder.mjs says how far it got when it is interrupted', async () => {
    const cwd = temporaryFolder()
    cpSync(await tinyModelFolder(), join(cwd, 'resnet101-voc'), { recursive: true })
    mkdirSync(join(cwd, 'photos'))
    for (let i = 0; i < 100; i++) cpSync('examples/photos/cat.jpg', join(cwd, 'photos', `${i}.jpg`))
    const example = spawn(process.execPath, [resolve('examples/folder.mjs'), 'photos'], { cwd })
    example.stdout.once('data', () => example.kill('SIGINT'))
    const code = new Promise((done) => example.once('exit', done))
    expect(await text(example.stderr)).toMatch(/^Stopped after [1-9]\d? of 100 photos\.\n$/)
    expect(await code).toBe(130)
  })

  it('examples/degradation.mjs finds its photos', async () => {
    const example = spawn(process.execPath, [resolve('examples/degradation.mjs')], { cwd: temporaryFolder() })
    // It goes on for minutes.
    example.stdout.once('data', () => example.kill())
    expect(await text(example.stdout)).toMatch(/^8 pictures/)
  })
})
