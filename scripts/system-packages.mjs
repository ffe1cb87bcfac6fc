// What the tests need of the system. On Debian, as root, it is installed; elsewhere it is said what is missing.
import { existsSync } from 'node:fs'
import { run } from './set-up.mjs'

/** What node-canvas needs to be compiled on Debian, where no ready-made binary of it can be had. */
export const CAIRO = ['libcairo2-dev', 'libpango1.0-dev', 'libjpeg-dev', 'libgif-dev', 'librsvg2-dev', 'pkg-config']

export function installPackages(names) {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  run('apt-get', ['update', '-qq'], { quiet: true, optional: true })
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { quiet: true, optional: true })
}

function need(name, file, use) {
  if (existsSync(file)) return
  process.stderr.write(`Installing ${name} for ${use} (once) ...\n`)
  installPackages([name])
  if (!existsSync(file)) process.stderr.write(`${name} could not be installed: there will be no ${use}.\n`)
}

export function installChromium() {
  if (process.env.CHROMIUM === undefined) need('chromium', '/usr/bin/chromium', 'tests in a browser')
}

export function installFirefox() {
  if (process.env.FIREFOX === undefined) need('firefox-esr', '/usr/bin/firefox-esr', 'tests in Firefox')
}

/** The loader of the driver that chromium brings: a GPU in software. */
export function installVulkan() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return
  need('libvulkan1', '/usr/lib/x86_64-linux-gnu/libvulkan.so.1', 'test of WebGPU in Node')
}
