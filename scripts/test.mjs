// `npm test` sets everything up, checks the code and the package, runs the tests, and ends with "N passed, N failed".
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build, install, root, run, windows } from './set-up.mjs'

/** What node-canvas needs to be compiled on Debian, where no ready-made binary of it can be had. */
const CAIRO = ['libcairo2-dev', 'libpango1.0-dev', 'libjpeg-dev', 'libgif-dev', 'librsvg2-dev', 'pkg-config']

const isDebianRoot = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')

function installPackages(names) {
  if (!isDebianRoot) return
  run('apt-get', ['update', '-qq'], { quiet: true, optional: true })
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { quiet: true, optional: true })
}

function installNodeCanvas() {
  const folder = join(root, 'test/node-canvas')
  if (existsSync(join(folder, 'node_modules/canvas/build/Release/canvas.node'))) return
  process.stderr.write('Installing node-canvas for the drawing tests (once) ...\n')
  const add = ['install', '--prefix', folder, '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  if (!existsSync('/usr/include/cairo/cairo.h')) installPackages(CAIRO)
  if (run('npm', add, { quiet: true, optional: true })) return
  process.stderr.write('node-canvas could not be installed: its drawing tests will be skipped.\n')
}

/** A real browser, and the loader of its software GPU's driver for WebGPU in Node. */
function installChromium() {
  if (existsSync('/usr/bin/chromium') || process.env.CHROMIUM !== undefined) return
  process.stderr.write('Installing chromium for the tests in a browser (once) ...\n')
  installPackages(['chromium', 'libvulkan1'])
  if (existsSync('/usr/bin/chromium')) return
  process.stderr.write('chromium could not be installed: the tests in a browser will be skipped.\n')
}

const counts = { passed: 0, failed: 0 }

function check(script) {
  process.stderr.write(`npm run ${script} ...\n`)
  const { status } = spawnSync('npm', ['run', '--silent', script], { cwd: root, stdio: 'inherit', shell: windows })
  if (status === 0) counts.passed += 1
  else counts.failed += 1
}

install()
installNodeCanvas()
installChromium()
build({ declarations: true })
for (const script of ['lint', 'typecheck', 'unused', 'check-package', 'check-types']) check(script)

const report = join(root, 'node_modules/.cache/vitest-report.json')
rmSync(report, { force: true })
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const vitest = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters], {
  cwd: root,
  stdio: 'inherit',
})
const results = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined
counts.passed += results?.numPassedTests ?? 0
counts.failed += results?.numFailedTests ?? 0
// A file that fails before its first test, or a crash of the runner, fails no test but is a failure.
if (vitest.status !== 0 && !(results?.numFailedTests > 0)) counts.failed += 1
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
process.exit(counts.failed === 0 ? 0 : 1)
