import { rmSync } from 'node:fs'
import { transform } from 'esbuild'
import { defineConfig } from 'tsup'

// Here, and not by `clean`: two builds write into this folder.
rmSync('dist', { recursive: true, force: true })

const common = {
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  sourcemap: false,
  treeshake: true,
  minifySyntax: true,
} as const

const library = {
  'index.node': 'src/index.node.ts',
  boxes: 'src/boxes/index.ts',
  onnx: 'src/onnx/index.ts',
  architectures: 'src/architectures/index.ts',
  formats: 'src/formats/index.ts',
  convert: 'src/convert/index.ts',
  evaluate: 'src/evaluate/index.ts',
  'images.node': 'src/images/index.node.ts',
  'images.web': 'src/images/index.web.ts',
  'draw.node': 'src/draw/index.node.ts',
}

const page = {
  index: 'src/index.web.ts',
  worker: 'src/worker/worker.web.ts',
  draw: 'src/draw/index.web.ts',
  view: 'src/view/index.web.ts',
}

const config: ReturnType<typeof defineConfig> = defineConfig([
  {
    ...common,
    entry: {
      ...library,
      'worker.node': 'src/worker/worker.node.ts',
      cli: 'src/cli/main.ts',
    },
    external: [/^node:/],
    plugins: [
      {
        name: 'command line without white space',
        // No bundler reads it, so that its comments may go.
        async renderChunk(code, { path }) {
          return path.endsWith('cli.js') ? transform(code, { minifyWhitespace: true, lineLimit: 200 }) : undefined
        },
      },
    ],
    dts: {
      // A page's types too, so that a class is one type wherever it is imported from.
      entry: {
        ...library,
        ...Object.fromEntries(Object.entries(page).map(([name, file]) => [`web/${name}`, file])),
      },
      // tsup itself sets the option baseUrl, which TypeScript 6 only warns about.
      compilerOptions: { ignoreDeprecations: '6.0' },
    },
  },
  {
    ...common,
    // A page without a bundler takes these as they are, so they bring their small dependencies with them.
    entry: page,
    outDir: 'dist/web',
    external: [/^onnxruntime-/],
    noExternal: [/^(?!onnxruntime-)/],
    // Not white space: with it would go the comments that tell bundlers what to leave alone.
    minifyIdentifiers: true,
  },
])

export default config
