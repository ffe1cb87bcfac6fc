import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize, resolve } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
}

/** What makes a page cross-origin isolated, so that WebAssembly has threads. */
export const ISOLATED: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'cross-origin',
}

export interface SiteOptions {
  /** Headers of every answer. Default: those of an isolated page. */
  readonly headers?: Readonly<Record<string, string>>
  /** Answers a request itself, and says so; for servers that misbehave. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
}

export interface Site extends AsyncDisposable {
  readonly origin: string
  readonly requests: readonly string[]
}

/** Serves folders under path prefixes, and texts under paths that end in a file name, on a port of its own. */
export async function serve(
  content: Readonly<Record<string, string>>,
  { headers = ISOLATED, intercept = () => false }: SiteOptions = {},
): Promise<Site> {
  const requests: string[] = []
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    requests.push(pathname)
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (intercept(request, response)) return
    const text = content[pathname]
    if (text !== undefined && extname(pathname) !== '') {
      response.writeHead(200, { 'content-type': TYPES[extname(pathname)] ?? 'text/plain' }).end(text)
      return
    }
    const prefix = Object.keys(content).find((key) => key.endsWith('/') && pathname.startsWith(key))
    const file =
      prefix && join(resolve(content[prefix] ?? ''), normalize(decodeURIComponent(pathname.slice(prefix.length))))
    const size = file
      ? await stat(file).then(
          (entry) => (entry.isFile() ? entry.size : undefined),
          () => undefined,
        )
      : undefined
    if (!file || size === undefined) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-length': size,
    })
    createReadStream(file).pipe(response)
  })
  await new Promise<void>((listening) => server.listen(0, listening))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://localhost:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
