// Brings a fresh clone to the point where it can run: dependencies installed, library built. Does nothing twice.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** There npm is a script that only a shell can start. */
export const windows = process.platform === 'win32'

/** Runs a command in the project's folder and ends this process with its exit code if it fails. */
export function run(command, args, { quiet = false, optional = false } = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    // onnxruntime-node's install script would download CUDA libraries; the CPU and WebGPU providers are in the package.
    env: { ONNXRUNTIME_NODE_INSTALL: 'skip', ...process.env },
    stdio: quiet ? 'pipe' : 'inherit',
    encoding: 'utf8',
    shell: windows,
  })
  if (result.status === 0) return true
  if (optional) return false
  if (quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`)
  process.stderr.write(`"${command} ${args.join(' ')}" failed${result.error ? `: ${result.error.message}` : ''}\n`)
  process.exit(result.status || 1)
}

function newest(path) {
  const { mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return mtimeMs
  return Math.max(mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

export function install() {
  const installed = join(root, 'node_modules/.package-lock.json')
  if (existsSync(installed) && newest(installed) >= newest(join(root, 'package-lock.json'))) return
  process.stderr.write('Installing the dependencies (once) ...\n')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { quiet: true })
}

/** Builds what is older than its sources; the declaration files only where they are wanted, for they take longest. */
export function build({ declarations }) {
  const built = join(root, declarations ? 'dist/index.node.d.ts' : 'dist/cli.js')
  const sources = Math.max(...['src', 'tsup.config.ts', 'package.json'].map((path) => newest(join(root, path))))
  if (existsSync(built) && newest(built) >= sources) return
  process.stderr.write('Building the library (once) ...\n')
  run(process.execPath, [join(root, 'node_modules/tsup/dist/cli-default.js'), ...(declarations ? [] : ['--no-dts'])], {
    quiet: true,
  })
}
