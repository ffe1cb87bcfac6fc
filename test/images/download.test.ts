import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeImage } from '../../src/images/decode.node.ts'
import { expectFlag, failure } from './expect-picture.ts'
import { fixture } from './fixtures.ts'

describe('pictures of a server', () => {
  let server: Server
  let base = ''
  beforeAll(async () => {
    const picture = await readFile(fixture('palette.png'))
    server = createServer((request, response) => {
      if (request.url === '/flag.png') response.end(picture)
      else if (request.url === '/moved') response.writeHead(302, { location: '/flag.png' }).end()
      else if (request.url === '/big') response.writeHead(200, { 'content-length': 1e9 }).write('x')
      else if (request.url === '/half') {
        response.writeHead(200, { 'content-length': picture.length })
        response.write(picture.subarray(0, 20), () => response.destroy())
      } else if (request.url === '/slow') response.writeHead(200).write(picture.subarray(0, 20))
      else if (request.url === '/broken') response.writeHead(500).end('sorry')
      else response.writeHead(404).end('no')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  test('downloads, and follows redirects', async () => {
    expectFlag(await decodeImage(`${base}/flag.png`), 0)
    expectFlag(await decodeImage(new URL(`${base}/moved`)), 0)
  })

  test('failures', async () => {
    expect(await failure(`${base}/none.png?key=secret`, 'IMAGE_NOT_FOUND')).toBe(
      `Expected a picture at ${base}/none.png but the server answered 404 Not Found.`,
    )
    expect(await failure(`${base}/broken`, 'NETWORK')).toContain('500')
    expect(await failure(`${base}/half`, 'NETWORK')).toContain(`Could not download ${base}/half`)
    expect(await failure(`${base}/slow`, 'NETWORK', { timeoutMs: 100 })).toContain('not complete after 0.1 s')
    expect(await failure(`${base}/big`, 'IMAGE_TOO_LARGE')).toContain('MiB')
    expect(await failure('http://127.0.0.1:9/a.png', 'NETWORK')).toContain('http://127.0.0.1:9/a.png')
  })

  test('aborted before, while it downloads, while a stream is silent, while a file decodes', async () => {
    const reason = new Error('enough')
    const message = 'The work was cancelled by its AbortSignal.'
    expect(await failure(fixture('rgb.jpg'), 'ABORTED', { signal: AbortSignal.abort(reason) })).toBe(message)
    const silent = new Readable({ read() {} })
    const stream = await sharp({ create: { width: 3000, height: 3000, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    for (const input of [`${base}/slow`, silent, stream]) {
      const controller = new AbortController()
      const done = decodeImage(input, { signal: controller.signal }).catch((error) => error)
      setTimeout(() => controller.abort(reason), 5)
      expect(await done).toMatchObject({ code: 'ABORTED', cause: reason })
    }
  })
})
