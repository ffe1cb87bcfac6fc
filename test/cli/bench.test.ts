import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readBenchReport } from '../../src/bench/report.ts'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

const CAT = 'examples/photos/cat.jpg'
const folder = temporaryFolder()
let model: string
beforeAll(async () => {
  model = await tinyModelFolder()
})

describe('vertebra bench', () => {
  it('measures what works, reports what does not, and prints JSON that can be merged', async () => {
    const args = ['bench', model, 'no-such-model', '--devices', 'cpu', '--seconds', '0', '--workers', '2']
    const { code, stdout } = await runCli([...args, '--json'])
    expect(code).toBe(1)
    const report = readBenchReport(stdout, 'stdout')
    expect(report.photos).toEqual([
      { width: 480, height: 360 },
      { width: 360, height: 480 },
      { width: 640, height: 480 },
    ])
    const [alone, pool, missing] = report.variants
    expect(report.variants.length).toBe(3)
    expect(alone).toMatchObject({
      model: 'tiny',
      device: 'cpu',
      workers: 0,
      precision: 'float32',
      photos: 1,
      failure: null,
    })
    expect(alone?.runtime).toMatch(/^onnxruntime-node \d/)
    expect(alone?.sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(alone?.memory).toBeGreaterThan(50e6)
    expect(pool).toMatchObject({ model: 'tiny', workers: 2, photos: 8, memory: null, failure: null })
    expect(missing).toMatchObject({
      model: 'no-such-model',
      photos: 0,
      failure: expect.stringContaining('no-such-model'),
    })

    const files = [join(folder, 'a.json'), join(folder, 'b.json')] as const
    await writeFile(files[0], stdout)
    await writeFile(files[1], JSON.stringify({ ...report, machine: { ...report.machine, cpu: 'Another CPU' } }))
    const merged = await runCli(['bench', '--merge', ...files])
    expect(merged.code).toBe(0)
    expect(merged.stdout.match(/Another CPU/g)?.length).toBe(3)
    await writeFile(files[1], '{"format":"vertebra-bench"}')
    const refused = await runCli(['bench', '--merge', ...files])
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('b.json') })
  })

  it('keeps and prints what was measured when it is interrupted', async () => {
    const args = ['bench', model, '--devices', 'cpu', '--photos', CAT, '--seconds', '3600']
    const child = spawn(process.execPath, ['dist/cli.js', ...args])
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
      if (String(chunk).includes('Measuring')) child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code).toBe(130)
    expect(stdout).toMatch(/tiny +cpu +float32/)
    expect(stdout).toContain('Interrupted: ')
    expect(stderr).toContain('Interrupted.')
  })

  it('refuses what it cannot measure', async () => {
    expect((await runCli(['bench', model, '--devices', 'abacus'])).code).toBe(2)
    expect((await runCli(['bench', model, '--photos', join(folder, 'none.jpg')])).code).toBe(1)
    expect((await runCli(['bench', '--merge', 'a.json', '--json'])).code).toBe(2)
  })
})

describe('vertebra detect --workers', () => {
  it('prints what it prints without, in the same order', async () => {
    const args = [
      'detect',
      'examples/photos',
      'missing.jpg',
      '--model',
      model,
      '--format',
      'json',
      '--min-score',
      '0.05',
    ]
    const alone = await runCli([...args, '--device', 'cpu'])
    const pool = await runCli([...args, '--device', 'cpu', '--workers', '2'])
    expect(pool.stdout).toBe(alone.stdout)
    expect(JSON.parse(pool.stdout).images).toHaveLength(2)
    expect([alone.code, pool.code]).toEqual([1, 1])
    expect((await runCli([...args, '--workers', '2', '--batch', '2'])).code).toBe(2)
  })
})
