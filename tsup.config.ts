import { defineConfig } from 'tsup'

const config: ReturnType<typeof defineConfig> = defineConfig({
  entry: {
    'index.node': 'src/index.node.ts',
    'index.web': 'src/index.web.ts',
    boxes: 'src/boxes/index.ts',
    onnx: 'src/onnx/index.ts',
    architectures: 'src/architectures/index.ts',
    formats: 'src/formats/index.ts',
    convert: 'src/convert/index.ts',
    evaluate: 'src/evaluate/index.ts',
    'images.node': 'src/images/index.node.ts',
    'images.web': 'src/images/index.ts',
    'draw.node': 'src/draw/index.node.ts',
    'draw.web': 'src/draw/index.ts',
    cli: 'src/cli/main.ts',
  },
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  external: [/^node:/],
  // tsup itself sets the option baseUrl, which TypeScript 6 only warns about.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
  clean: true,
  sourcemap: false,
  treeshake: true,
})

export default config
