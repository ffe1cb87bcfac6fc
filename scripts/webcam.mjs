// `npm run webcam` sets everything up and serves the demo of examples/webcam. Options: --port 8080, --models models, --no-build.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { serveFolders } from './serve-folders.mjs'
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

/** The models that are there, with what the page needs to offer them. */
function listModels() {
  return readdirSync(models).flatMap((name) => {
    const manifest = join(models, name, 'model.json')
    if (!existsSync(manifest)) return []
    const { architecture, graphs } = JSON.parse(readFileSync(manifest, 'utf8'))
    const files = Object.values(graphs)
    const bytes = files.reduce((sum, graph) => sum + graph.bytes, 0)
    const isInt8 = files.some(({ precision }) => precision === 'int8')
    return [{ name, architecture: isInt8 ? `${architecture}, in int8` : architecture, bytes, isInt8 }]
  })
}

try {
  const { origin } = await serveFolders({
    folders: {
      '/vertebra/': join(root, 'dist/web'),
      '/onnxruntime-web/': join(root, 'node_modules/onnxruntime-web/dist'),
      '/photos/': join(root, 'examples/photos'),
      '/models/': models,
      '/page/': join(root, 'examples/page'),
      '/': join(root, 'examples/webcam'),
    },
    answers: { '/models/index.json': () => ({ type: '.json', text: JSON.stringify(listModels()) }) },
    port: Number(values.port),
  })
  process.stdout.write(`The demo is at ${origin}/ (Ctrl-C ends it)\n`)
} catch (error) {
  const isTaken = error.code === 'EADDRINUSE'
  process.stderr.write(isTaken ? `Port ${values.port} is taken: try --port 0.\n` : `${error.message}\n`)
  process.exit(1)
}
