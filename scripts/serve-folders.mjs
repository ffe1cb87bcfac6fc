import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, resolve, sep } from 'node:path'

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml',
}
const HEADERS = {
  // These two make the page cross-origin isolated, so that WebAssembly has threads.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  // A demo is changed and looked at again; what has not changed is not sent again.
  'Cache-Control': 'no-cache',
}

/**
 * Serves folders to pages of this machine: a page that others open needs https: for a camera, and a server made for it.
 *
 * @param folders what is behind each address that ends in "/"; the first that fits counts
 * @param answers what is made on request: by address, a function that returns its type and text
 * @param port 0 takes any that is free
 * @returns the address of the server, and a function that ends it
 */
export async function serveFolders({ folders, answers = {}, port = 0 }) {
  const server = createServer((request, response) => {
    try {
      answer(request, response, folders, answers)
    } catch (error) {
      // An address that is none: a lone % in it, a NUL.
      response.writeHead(400, { 'content-type': 'text/plain' }).end(`${error.message}\n`)
    }
  })
  await new Promise((done, failed) => server.once('error', failed).listen(port, 'localhost', done))
  return { origin: `http://localhost:${server.address().port}`, close: () => server.close() }
}

function answer(request, response, folders, answers) {
  const pathname = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
  if (Object.hasOwn(answers, pathname)) {
    const { type, text } = answers[pathname]()
    return response.writeHead(200, { ...HEADERS, 'content-type': TYPES[type] }).end(text)
  }
  const file = fileOf(pathname, folders)
  if (file === undefined) {
    return response.writeHead(404, { ...HEADERS, 'content-type': 'text/plain' }).end(`There is no ${pathname}\n`)
  }
  const { size, mtimeMs } = statSync(file)
  const headers = {
    ...HEADERS,
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    etag: `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`,
    'accept-ranges': 'bytes',
  }
  const range = rangeOf(request.headers.range, size)
  if (range && range.start >= size) response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` }).end()
  else if (!range && request.headers['if-none-match'] === headers.etag) response.writeHead(304, headers).end()
  else {
    const { start, end } = range ?? { start: 0, end: size - 1 }
    const part = range && { 'content-range': `bytes ${start}-${end}/${size}` }
    response.writeHead(range ? 206 : 200, { ...headers, ...part, 'content-length': end - start + 1 })
    if (request.method === 'HEAD' || size === 0) response.end()
    else createReadStream(file, { start, end }).pipe(response)
  }
}

function fileOf(pathname, folders) {
  const prefix = Object.keys(folders).find((key) => pathname.startsWith(key))
  if (prefix === undefined) return undefined
  const folder = resolve(folders[prefix])
  const path = resolve(folder, `.${sep}${pathname.slice(prefix.length)}`)
  if (path !== folder && !path.startsWith(folder + sep)) return undefined
  const file = pathname.endsWith('/') ? join(path, 'index.html') : path
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined
}

/** First and last byte that a Range header asks for: a download that broke goes on where it was. */
function rangeOf(header, size) {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? []
  if (from === undefined) return undefined
  return { start: Number(from), end: Math.min(to ? Number(to) : size - 1, size - 1) }
}
