// `npm run webcam` sets everything up and serves the demo of examples/webcam. Options: --port 8080, --models models, --no-build.
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { build, install, root } from './set-up.mjs'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: process.env.PORT ?? '8080' },
    models: { type: 'string', default: join(root, 'models') },
    'no-build': { type: 'boolean', default: false },
  },
})
if (!values['no-build']) {
  install()
  build({ declarations: false })
}

const models = resolve(process.env.INIT_CWD ?? process.cwd(), values.models)
/** What is behind each address; the longest that fits counts. */
const FOLDERS = {
  '/vertebra/': join(root, 'dist/web'),
  '/onnxruntime-web/': join(root, 'node_modules/onnxruntime-web/dist'),
  '/photos/': join(root, 'examples/photos'),
  '/models/': models,
  '/page/': join(root, 'examples/page'),
  '/': join(root, 'examples/webcam'),
}
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

/** The models that are there, with what the page needs to offer them. */
function listModels() {
  return readdirSync(models).flatMap((name) => {
    const manifest = join(models, name, 'model.json')
    if (!existsSync(manifest)) return []
    const { architecture, graphs } = JSON.parse(readFileSync(manifest, 'utf8'))
    const bytes = Object.values(graphs).reduce((sum, graph) => sum + graph.bytes, 0)
    return [{ name, architecture, bytes }]
  })
}

function fileOf(pathname) {
  const prefix = Object.keys(FOLDERS).find((key) => pathname.startsWith(key))
  const folder = FOLDERS[prefix]
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

function answer(request, response) {
  const pathname = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
  if (pathname === '/models/index.json') {
    response.writeHead(200, { ...HEADERS, 'content-type': TYPES['.json'] }).end(JSON.stringify(listModels()))
    return
  }
  const file = fileOf(pathname)
  if (file === undefined) {
    response.writeHead(404, { ...HEADERS, 'content-type': 'text/plain' }).end(`There is no ${pathname}\n`)
    return
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

const server = createServer((request, response) => {
  try {
    answer(request, response)
  } catch (error) {
    // An address that is none: a lone % in it, a NUL.
    response.writeHead(400, { 'content-type': 'text/plain' }).end(`${error.message}\n`)
  }
})
server.on('error', (error) => {
  const isTaken = error.code === 'EADDRINUSE'
  process.stderr.write(isTaken ? `Port ${values.port} is taken: try --port 0.\n` : `${error.message}\n`)
  process.exit(1)
})
// Only this machine: a page that others open needs https: for a camera, and a server made for it.
server.listen(Number(values.port), 'localhost', () => {
  process.stdout.write(`The demo is at http://localhost:${server.address().port}/ (Ctrl-C ends it)\n`)
})
