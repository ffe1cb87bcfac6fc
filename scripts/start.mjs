// `npm start` sets everything up and detects on an example photo; `npm start -- my.jpg` does it on yours.
import { spawnSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { build, install, root } from './set-up.mjs'

install()
build({ declarations: false })
// Paths that a person types are meant from where they typed them.
const cwd = process.env.INIT_CWD ?? root
const here = (path) => relative(cwd, join(root, path))
const given = process.argv.slice(2)
const args = given.length > 0 ? given : [here('examples/photos/cat.jpg')]
if (!given.includes('--draw') && !given.includes('-d')) args.push('--draw', here('out'))
const { status } = spawnSync(process.execPath, [join(root, 'dist/cli.js'), 'detect', ...args], {
  stdio: 'inherit',
  cwd,
})
process.exit(status ?? 1)
