import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'

/** Debian's package, or the one that CHROMIUM names. */
const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Why the tests in a browser cannot run here, or undefined. */
export const missing: string | undefined = !existsSync(EXECUTABLE)
  ? `there is no ${EXECUTABLE} (Debian: apt-get install chromium)`
  : existsSync(`${root}dist/web/index.js`)
    ? undefined
    : 'the library is not built (npm run build)'

if (missing !== undefined) console.warn(`Skipped: the tests in a browser, because ${missing}.`)

/** A software GPU, so that WebGPU can be tried on a machine without a graphics card. */
export const WEBGPU: readonly string[] = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
]

export function launch(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', ...args] })
}

/** What a page of the tests finds: the built library and the runtime, under the paths of the import map. */
export const LIBRARY: Readonly<Record<string, string>> = {
  '/vertebra/': `${root}dist/web`,
  '/onnxruntime-web/': `${root}node_modules/onnxruntime-web/dist`,
  '/photos/': `${root}examples/photos`,
}

/** An empty page without a bundler. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>vertebra</title>
<link rel="icon" href="data:,">
<script type="importmap">
{ "imports": {
  "vertebra": "/vertebra/index.js",
  "onnxruntime-web/wasm": "/onnxruntime-web/ort.wasm.bundle.min.mjs",
  "onnxruntime-web/webgpu": "/onnxruntime-web/ort.webgpu.bundle.min.mjs"
} }
</script>
<script type="module">
import * as vertebra from 'vertebra'
globalThis.vertebra = vertebra
globalThis.gpuRuntime = () => import('onnxruntime-web/webgpu')
globalThis.errorOf = async (work) => {
  try {
    await work()
    return 'no error'
  } catch (error) {
    return error instanceof vertebra.VertebraError ? \`\${error.code}: \${error.message}\` : String(error)
  }
}
</script>
</html>`
