// Test suites that take minutes: `npm run test:slow` (the memory of a page), `npm run test:bundlers`, `npm run test:firefox`,
// `npm run parity`.
// What follows goes to Vitest: `npm run parity -- -t detectron2`.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { build, install, root } from './set-up.mjs'
import { installChromium, installFirefox } from './system-packages.mjs'

const SUITES = {
  memory: { variable: 'SLOW', files: ['test/browser/memory'], prepare: installChromium },
  bundlers: { variable: 'BUNDLERS', files: ['test/bundlers'], prepare: installChromium },
  firefox: { variable: 'FIREFOX_SUITE', files: ['test/browser/firefox'], prepare: installFirefox },
  parity: { variable: 'PARITY', files: ['test/parity'] },
}

const suite = SUITES[process.argv[2]]
if (!suite) {
  process.stderr.write(`Expected one of ${Object.keys(SUITES).join(', ')} but received ${process.argv[2]}.\n`)
  process.exit(2)
}
install()
suite.prepare?.()
build({ declarations: false })
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...suite.files, ...process.argv.slice(3)],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, [suite.variable]: '1' },
  },
)
process.exit(status ?? 1)
