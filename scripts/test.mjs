// `npm test` sets everything up, checks the code and the package, runs the tests, and ends with "N passed, N failed".
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build, install, root, run, windows } from './set-up.mjs'
import { CAIRO, installChromium, installPackages, installVulkan } from './system-packages.mjs'

function installNodeCanvas() {
  const folder = join(root, 'test/node-canvas')
  if (existsSync(join(folder, 'node_modules/canvas/build/Release/canvas.node'))) return
  process.stderr.write('Installing node-canvas for the drawing tests (once) ...\n')
  const add = ['install', '--prefix', folder, '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  if (!existsSync('/usr/include/cairo/cairo.h')) installPackages(CAIRO)
  if (run('npm', add, { quiet: true, optional: true })) return
  process.stderr.write('node-canvas could not be installed: its drawing tests will be skipped.\n')
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
installVulkan()
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
