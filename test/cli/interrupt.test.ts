import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { listenForInterrupt } from '../../src/cli/interrupt.ts'
import { temporaryFolder, testPhoto, tinyModelFolder } from '../tiny-model.ts'

let folder: string
let model: string

beforeAll(async () => {
  model = await tinyModelFolder()
  folder = temporaryFolder()
  mkdirSync(join(folder, 'photos'))
  for (let i = 0; i < 40; i++) {
    const { width, height, data } = testPhoto(640, 480, i)
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(join(folder, `photos/${i}.png`))
  }
})

/** Sends the signal while a model folder is being written, half of it into a hidden one. */
function interruptedBy(signal: NodeJS.Signals, out: string): Promise<{ code: number | null; stderr: string }> {
  const args = ['dist/cli.js', 'quantize', model, '--data', join(folder, 'photos'), '--photos', '40', '--out', out]
  const child = spawn(process.execPath, args)
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const looking = setInterval(() => {
    if (!existsSync(out) || !readdirSync(out).some((name) => name.startsWith('.unfinished-'))) return
    clearInterval(looking)
    child.kill(signal)
  }, 5)
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearInterval(looking)
      resolve({ code, stderr })
    })
  })
}

describe('the command line', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('cleans up after %s and exits with %i', async (signal, code) => {
    const out = join(folder, signal)
    expect(await interruptedBy(signal, out)).toEqual({ code, stderr: 'Interrupted.\n' })
    expect(existsSync(out)).toBe(false)
  })

  it('ends at once at the second signal, whichever it is', () => {
    const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    const counts = () => names.map((name) => process.listenerCount(name))
    const before = counts()
    const interrupt = listenForInterrupt()
    expect(counts()).toEqual(before.map((count) => count + 1))
    const [listener] = process.listeners('SIGTERM').slice(-1)
    listener?.('SIGTERM')
    expect([interrupt.signal.aborted, interrupt.exitCode()]).toEqual([true, 143])
    expect(counts()).toEqual(before)
  })
})
