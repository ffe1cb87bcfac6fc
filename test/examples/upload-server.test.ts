import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tinyModelFolder } from '../tiny-model.ts'

const missing = !existsSync('dist/index.node.js')
if (missing) console.warn('Skipped: the upload server, because the library is not built (npm run build).')

describe.skipIf(missing)('examples/upload-server.mjs', () => {
  let server: ChildProcess
  let url: string
  beforeAll(async () => {
    const env = { ...process.env, MODEL: await tinyModelFolder(), PORT: '0' }
    server = spawn(process.execPath, ['examples/upload-server.mjs'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface({ input: server.stdout ?? process.stdin })) {
      url = /http:\S+/.exec(line)?.[0] ?? ''
      break
    }
  }, 60_000)
  afterAll(() => {
    server?.kill('SIGKILL')
  })

  const post = (body: Uint8Array | string, query = ''): Promise<Response> =>
    fetch(`${url}${query}`, { method: 'POST', body: body as BodyInit })

  it('answers a picture with its objects', async () => {
    const answer = await post(await readFile('examples/photos/cat.jpg'), '?minScore=0.1')
    expect(answer.status).toBe(200)
    const { width, height, detections } = (await answer.json()) as {
      width: number
      height: number
      detections: unknown[]
    }
    expect([width, height]).toEqual([451, 300])
    expect(detections.length).toBeGreaterThan(2)
    expect(detections[0]).toMatchObject({ label: expect.any(String), score: expect.any(Number) })
  })

  it('says what is wrong with a request, and goes on', async () => {
    expect((await fetch(url)).status).toBe(405)
    const odd = await post('no picture')
    expect(odd.status).toBe(415)
    expect(await odd.json()).toEqual({ error: expect.stringContaining('Expected') })
    expect((await post('')).status).toBe(415)
    expect((await post(await readFile('examples/photos/cat.jpg'), '?minScore=7')).status).toBe(400)
    expect((await post(new Uint8Array(20_000_001))).status).toBe(413)
    expect((await post(await readFile('examples/photos/cat.jpg'))).status).toBe(200)
  })

  it('ends when it is told to', async () => {
    const code = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGINT')
    expect(await code).toBe(0)
  })
})
