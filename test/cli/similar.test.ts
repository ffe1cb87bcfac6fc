import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder, testPhoto, tinyModelFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

let model: string
let folder: string

beforeAll(async () => {
  model = await tinyModelFolder()
  folder = temporaryFolder()
  mkdirSync(join(folder, 'photos'))
  for (const [name, seed] of [
    ['a.png', 1],
    ['b.png', 2],
    ['c.png', 3],
  ] as const) {
    await writePhoto(join(folder, 'photos', name), seed)
  }
  copyFileSync(join(folder, 'photos/b.png'), join(folder, 'query.png'))
})

async function writePhoto(path: string, seed: number): Promise<void> {
  const { width, height, data } = testPhoto(80, 60, seed)
  await sharp(data, { raw: { width, height, channels: 3 } }).toFile(path)
}

const similar = (...args: string[]) =>
  runCli(['similar', '--model', model, '--device', 'cpu', ...args], { cwd: folder })

describe('vertebra similar', () => {
  it('lists the nearest first', async () => {
    const { code, stdout, stderr } = await similar('query.png', 'photos', '--top', '2')
    expect(stderr).toMatch(/^3 pictures searched, 4 sent through the network, [\d.]+ s\n$/)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^query\.png\n {3}1\.000 {2}photos\/b\.png\n {3}0\.\d{3} {2}photos\/[ac]\.png\n$/)
  })

  it('takes several queries before a folder, does not find a query itself, and prints JSON', async () => {
    const { stdout } = await similar('photos/a.png', 'query.png', 'photos/', '--json', '--level', 'p3')
    const { results, ...about } = JSON.parse(stdout)
    expect(about).toEqual({ model: 'tiny', level: 'p3' })
    expect(results.map(({ query }: { query: string }) => query)).toEqual(['photos/a.png', 'query.png'])
    const files = results.map(({ neighbours }: { neighbours: { file: string }[] }) =>
      neighbours.map(({ file }) => file),
    )
    expect([...files[0]].sort()).toEqual(['photos/b.png', 'photos/c.png'])
    expect(files[1][0]).toBe('photos/b.png')
    expect(results[1].neighbours[0].similarity).toBe(1)
  })

  it('without a folder searches all but the first, and goes on after a picture that cannot be read', async () => {
    writeFileSync(join(folder, 'broken.png'), 'no picture')
    const { code, stdout, stderr } = await similar('query.png', 'broken.png', 'photos/b.png', 'missing.png')
    expect(code).toBe(1)
    expect(stdout).toBe('query.png\n   1.000  photos/b.png\n')
    expect(stderr).toMatch(/2 failed:\n {2}.*missing\.png.*\n {2}.*broken\.png/)
  })

  it('keeps vectors in an index and embeds only what is new or changed', async () => {
    const sent = async (...args: string[]) => {
      const { code, stdout, stderr } = await similar('query.png', ...args, '--index', 'kept/photos.index')
      expect(code).toBe(0)
      return { stdout, embedded: Number(/, (\d+) sent/.exec(stderr)?.[1]) }
    }
    const first = await sent('photos')
    expect(first.embedded).toBe(4)
    expect(await sent('photos')).toEqual({ stdout: first.stdout, embedded: 1 })
    expect(await sent()).toEqual({ stdout: first.stdout, embedded: 1 })

    await writePhoto(join(folder, 'photos/a.png'), 9)
    await writePhoto(join(folder, 'photos/d.png'), 2)
    utimesSync(join(folder, 'photos/c.png'), 1, 1)
    const changed = await sent('photos')
    expect(changed.embedded).toBe(4)
    expect(changed.stdout).toMatch(/1\.000 {2}photos\/b\.png\n {3}1\.000 {2}photos\/d\.png/)

    rmSync(join(folder, 'photos/d.png'))
    const gone = await similar('query.png', '--index', 'kept/photos.index')
    expect(gone.code).toBe(1)
    expect(gone.stderr).toMatch(/1 failed:\n {2}.*d\.png/)
    expect((await sent()).stdout).not.toContain('d.png')
  })

  it('refuses an index of another level or model, or that is none, and leaves it as it is', async () => {
    await similar('query.png', 'photos', '--index', 'c5.index')
    const before = readFileSync(join(folder, 'c5.index'))
    const level = await similar('query.png', 'photos', '--index', 'c5.index', '--level', 'c4')
    expect([level.code, level.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: Expected vectors of tiny, level c4, in c5\.index but it holds those of level c5:/),
    ])
    const name = await tinyModelFolder({ name: 'other' })
    const other = await similar('query.png', '--model', name, '--index', 'c5.index')
    expect(other.stderr).toMatch(/those of model tiny/)
    expect(readFileSync(join(folder, 'c5.index'))).toEqual(before)
    const none = await similar('query.png', 'photos', '--index', 'query.png')
    expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/^error: Expected query\.png to be an index/)])
  })

  it('says what is wrong with the call', async () => {
    const alone = await similar('query.png')
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringMatching(/^error: .*pictures to search/)])
    const level = await similar('query.png', 'photos', '--level', 'c9', '--index', 'never.index')
    expect([level.code, level.stderr]).toEqual([2, expect.stringMatching(/^error: Expected one of c2, .* for --level/)])
    expect(existsSync(join(folder, 'never.index'))).toBe(false)
  })
})
