import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Runs a module in a fresh Node and gives what it prints. */
function inFreshNode(source: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}

describe('the package', () => {
  it('is at most 400 kB without models', () => {
    const [pack] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
    )
    expect(pack.size).toBeLessThanOrEqual(400_000)
    const paths: string[] = pack.files.map(({ path }: { path: string }) => path)
    expect(paths).toContain('dist/index.node.js')
    expect(paths).toContain('dist/index.node.d.ts')
    expect(paths.filter((path) => /\.onnx$|^src|^test|^training/.test(path))).toEqual([])
  })

  it('loads neither sharp nor a runtime nor the command line tools when it is imported', () => {
    const loaded = inFreshNode(`
      import { createRequire } from 'node:module'
      import * as vertebra from 'vertebra'
      const names = process.moduleLoadList.filter((name) => name.includes('sharp') || name.includes('onnxruntime'))
      const cached = Object.keys(createRequire(import.meta.url).cache)
      const native = process.report.getReport().sharedObjects.filter((path) => /sharp|onnxruntime|libvips/.test(path))
      console.log(JSON.stringify({ cached: [...names, ...cached], native, loadDetector: typeof vertebra.loadDetector }))`)
    expect(JSON.parse(loaded)).toEqual({ cached: [], native: [], loadDetector: 'function' })
  })

  it('has an entry for each subpath, in Node and for browsers', () => {
    const names = ['boxes', 'onnx', 'architectures', 'formats', 'convert', 'evaluate', 'images', 'draw']
    const counts = inFreshNode(`
      const counts = []
      for (const name of ${JSON.stringify(names)}) counts.push(Object.keys(await import('vertebra/' + name)).length)
      console.log(JSON.stringify(counts))`)
    for (const count of JSON.parse(counts)) expect(count).toBeGreaterThan(1)
  })

  it('keeps everything of Node out of the browser entry, and that under 60 kB compressed without the runtime', () => {
    const found = inFreshNode(`
      import { build } from 'esbuild'
      import { gzipSync } from 'node:zlib'
      const result = await build({ entryPoints: ['vertebra'], conditions: ['browser'], bundle: true, minify: true, write: false,
        platform: 'browser', format: 'esm', metafile: true, external: ['onnxruntime-web/*'], absWorkingDir: ${JSON.stringify(root)} })
      const { imports } = Object.values(result.metafile.outputs)[0]
      console.log(JSON.stringify({ imports: imports.map(({ path }) => path), bytes: gzipSync(result.outputFiles[0].contents).length }))`)
    const { imports, bytes } = JSON.parse(found)
    expect([...imports].sort()).toEqual(['onnxruntime-web/wasm', 'onnxruntime-web/webgpu'])
    expect(bytes).toBeLessThanOrEqual(60_000)
  })
})
