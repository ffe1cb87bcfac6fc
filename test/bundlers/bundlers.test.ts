import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, missing } from '../browser/chromium.ts'
import { serve } from '../browser/serve.ts'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const isAsked = process.env.BUNDLERS !== undefined
if (!isAsked) console.warn('Skipped: the bundlers, which take minutes to install and run (npm run test:bundlers).')

if (isAsked && missing) throw new Error(`Expected a browser but ${missing}.`)

describe.skipIf(!isAsked)('a page built by', { timeout: 600_000 }, () => {
  let project: string
  let tiny: string
  let browser: Browser
  beforeAll(async () => {
    tiny = await tinyModelFolder()
    project = temporaryFolder()
    cpSync(here, project, { recursive: true })
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: project })
    // The package as it is published, and its peer.
    mkdirSync(join(project, 'node_modules/vertebra'), { recursive: true })
    await cp(join(root, 'dist'), join(project, 'node_modules/vertebra/dist'), { recursive: true })
    await cp(join(root, 'package.json'), join(project, 'node_modules/vertebra/package.json'))
    if (!existsSync(join(project, 'node_modules/onnxruntime-web'))) {
      for (const name of ['onnxruntime-web', 'onnxruntime-common']) {
        symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
      }
    }
    browser = await launch()
  }, 600_000)
  afterAll(() => browser?.close())

  /** Opens the built page and lets it detect. */
  async function detectIn(folder: string): Promise<{ count: number; device: { device: string; reason: string } }> {
    await using site = await serve({ '/models/tiny/': tiny, '/photos/': join(root, 'examples/photos'), '/': folder })
    const page = await browser.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(`${site.origin}/index.html`)
    await page.waitForFunction('globalThis.run')
    const result = await page.evaluate<{ count: number; device: { device: string; reason: string } }>('run()')
    await page.close()
    expect(problems).toEqual([])
    return result
  }

  function expectWorks({ count, device }: Awaited<ReturnType<typeof detectIn>>): void {
    expect(count).toBeGreaterThan(3)
    expect(device.reason).toMatch(/^wasm was asked for; it runs on [2-9] threads\.$/)
  }

  it('Vite', async () => {
    await run(process.execPath, [join(project, 'node_modules/vite/bin/vite.js'), 'build', '--outDir', 'vite'], {
      cwd: project,
    })
    expectWorks(await detectIn(join(project, 'vite')))
  })

  it('webpack', async () => {
    const cli = join(project, 'node_modules/webpack-cli/bin/cli.js')
    await run(process.execPath, [cli, '--output-path', join(project, 'webpack')], { cwd: project })
    await cp(join(project, 'index.html'), join(project, 'webpack/index.html'))
    expectWorks(await detectIn(join(project, 'webpack')))
  })

  it('esbuild, with the worker as a second entry and the runtime beside it', async () => {
    const out = join(project, 'esbuild')
    const options = ['--bundle', '--format=esm', '--splitting', '--entry-names=[name]', `--outdir=${out}`]
    const entries = ['app.js', 'node_modules/vertebra/dist/web/worker.js']
    await run(join(root, 'node_modules/.bin/esbuild'), [...entries, ...options], { cwd: project })
    await cp(join(project, 'index.html'), join(out, 'index.html'))
    const wasm = 'ort-wasm-simd-threaded.wasm'
    await cp(join(root, 'node_modules/onnxruntime-web/dist', wasm), join(out, wasm))
    expectWorks(await detectIn(out))
  })
})
