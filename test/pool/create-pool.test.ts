import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import type * as Vertebra from '../../src/index.node.ts'
import { temporaryFolder, testPhoto, tinyModelFolder } from '../tiny-model.ts'

// The worker's script exists only as built.
const ENTRY = new URL('../../dist/index.node.js', import.meta.url)
const isBuilt = existsSync(ENTRY)
if (!isBuilt) console.warn('Skipped: the pool of processes needs the built library (npm run build).')

const CAT = 'examples/photos/cat.jpg'
const folder = temporaryFolder()
const run = promisify(execFile)

describe.skipIf(!isBuilt)('a pool of processes', () => {
  let model: string
  let vertebra: typeof Vertebra
  beforeAll(async () => {
    model = await tinyModelFolder()
    vertebra = await import(ENTRY.href)
  })

  it('finds what one detector finds', async () => {
    const photos = [CAT, testPhoto(64, 48), testPhoto(48, 64, 2), 'missing.jpg', testPhoto(90, 90, 3)]
    await using detector = await vertebra.loadDetector(model, { device: 'cpu', inputSize: 192 })
    const expected = []
    for await (const { index, ...outcome } of vertebra.detectAll(detector, photos, { minScore: 0.05 })) {
      expected[index] = 'error' in outcome ? outcome.error.code : outcome.result.detections
    }
    const steps: string[] = []
    const pool = await vertebra.createPool(model, {
      size: 3,
      device: 'cpu',
      inputSize: 192,
      onProgress: ({ phase, done, total }) => steps.push(`${phase} ${done}/${total}`),
    })
    expect(steps.slice(-3)).toEqual(['workers 1/3', 'workers 2/3', 'workers 3/3'])
    expect([pool.size, pool.queue, pool.labels.length]).toEqual([3, 6, 3])
    const found = []
    for await (const outcome of pool.detectAll(photos, { minScore: 0.05 })) {
      found.push('error' in outcome ? outcome.error.code : outcome.result.detections)
    }
    expect(found).toEqual(expected)
    expect(found[3]).toBe('IMAGE_NOT_FOUND')
    const { times } = await pool.detect(CAT)
    for (const milliseconds of Object.values(times)) expect(milliseconds).toBeGreaterThan(0)
    await pool.dispose()
    await expect(pool.detect(CAT)).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  it('refuses what it cannot make', async () => {
    for (const options of [{ size: 0 }, { size: 1.5 }, { queue: -1 }, { threads: 0 }]) {
      await expect(vertebra.createPool(model, options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    await expect(vertebra.createPool('no-such-model')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    const signal = AbortSignal.abort()
    await expect(vertebra.createPool(model, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('goes on when a process dies', async () => {
    // In every worker, pictures that are 13 or 14 wide end it, as native code or the system would; the ones of 13 only once.
    const killer = join(folder, 'killer.mjs')
    await writeFile(
      killer,
      `import { existsSync, writeFileSync } from 'node:fs'
       const once = ${JSON.stringify(join(folder, 'once'))}
       const on = process.on.bind(process)
       process.on = (event, listener) => on(event, (message) => {
         const width = message?.takes?.images?.[0]?.width
         if (width === 13 && !existsSync(once)) { writeFileSync(once, ''); process.exit(7) }
         if (width === 14) process.kill(process.pid, 'SIGKILL')
         listener(message)
       })`,
    )
    const script = `
      import { createPool } from ${JSON.stringify(ENTRY.href)}
      process.env.NODE_OPTIONS = ${JSON.stringify(`--import ${killer}`)}
      const pool = await createPool(${JSON.stringify(model)}, { size: 2, device: 'cpu' })
      const photos = [16, 13, 14, 15, 17].map((width) => ({ width, height: 16, channels: 1, data: new Uint8Array(16 * width) }))
      for await (const { result, error } of pool.detectAll(photos)) console.log(result?.width ?? error.message)
      await pool.dispose()
    `
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
    expect(stdout.trim().split('\n')).toEqual([
      '16',
      '13',
      expect.stringMatching(/^Two workers died over this photo.* SIGKILL/),
      '15',
      '17',
    ])
  })

  it('is made and ended again and again, and lets the process end in the middle', async () => {
    // With threads the last line ends in an abort of the whole process.
    const script = `
      import { createPool } from ${JSON.stringify(ENTRY.href)}
      const photo = { width: 64, height: 48, channels: 1, data: new Uint8Array(64 * 48) }
      for (let i = 0; i < 3; i++) {
        const pool = await createPool(${JSON.stringify(model)}, { size: 2, device: 'cpu' })
        await Promise.all(Array.from({ length: 6 }, () => pool.detect(photo)))
        if (i < 2) await pool.dispose()
        else for (let k = 0; k < 9; k++) void pool.detect(photo)
      }
      setTimeout(() => process.exit(0), 10)
      console.log('made and ended')
    `
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
    expect(stdout).toBe('made and ended\n')
  })
})
