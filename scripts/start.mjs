// `npm start` sets everything up and detects on an example photo; `npm start -- my.jpg` does it on yours.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { build, install, root } from './set-up.mjs'

install()
build({ declarations: false })
const given = process.argv.slice(2)
const isPicture = given.some((argument) => !argument.startsWith('-'))
const args = ['detect', ...(isPicture ? [] : [join(root, 'examples/photos/cat.jpg')]), ...given]
if (!given.includes('--draw')) args.push('--draw', join(root, 'out'))
const cwd = process.env.INIT_CWD ?? process.cwd()
const { status } = spawnSync(process.execPath, [join(root, 'dist/cli.js'), ...args], { stdio: 'inherit', cwd })
process.exit(status ?? 1)
