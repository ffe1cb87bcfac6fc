// What all peers need: a Python, photos, and one detector in the form that each of them reads.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeImage, inputTensor, resizeImage } from 'vertebra/images'
import { root } from '../../scripts/set-up.mjs'
import { modelForm } from '../model-form.mjs'

export const PEERS = fileURLToPath(new URL('.', import.meta.url))
const CLI = join(root, 'dist/cli.js')
const PHOTOS = join(root, 'examples/photos')
/** As make_model.py has them, without the background. */
const CLASSES = 90
/** The size on which ranges for int8 are measured: of random weights only the time counts, and small photos take less. */
const CALIBRATION_SIZE = { size: 256, max: 448 }

function run(command, args) {
  process.stderr.write(`${[command, ...args].join(' ')}\n`)
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`${command} failed${error ? `: ${error.message}` : ''}`)
}

/** A Python with the packages of requirements.txt: that of PEERS_PYTHON, or one that is made here once. */
export function python() {
  if (process.env.PEERS_PYTHON) return process.env.PEERS_PYTHON
  const folder = join(root, 'out/peers-python')
  const own = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  const done = join(folder, 'installed')
  if (!existsSync(done)) {
    run(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', folder])
    run(own, ['-m', 'pip', 'install', '--quiet', '--requirement', join(PEERS, 'requirements.txt')])
    writeFileSync(done, '')
  }
  return own
}

/** A photo of 640 x 480 as plain RGB bytes: one, because the weights are set so that it has 100 detections. */
async function writePhoto(folder) {
  const file = join(folder, 'astronaut.rgb')
  if (existsSync(file)) return
  const photo = await decodeImage(join(PHOTOS, 'astronaut.jpg'))
  writeFileSync(file, resizeImage(photo, 640, 480, 'antialias').data)
}

/** It as a network's input, for the peers that are a backbone alone. */
function writeInput(folder) {
  const file = join(folder, 'input.f32')
  if (existsSync(file)) return
  const image = { width: 640, height: 480, data: readFileSync(join(folder, 'astronaut.rgb')) }
  const { input } = JSON.parse(readFileSync(join(folder, 'vertebra-fp32/model.json'), 'utf8'))
  writeFileSync(file, inputTensor(input, [image]).data)
}

/** The detector as a state of torchvision's, as its own export, and as a model folder. */
function makeDetector(folder) {
  const model = join(folder, 'vertebra-fp32')
  if (existsSync(join(model, 'model.json'))) return
  run(python(), [join(PEERS, 'make_model.py'), folder, join(folder, 'astronaut.rgb')])
  const labels = join(folder, 'labels.txt')
  writeFileSync(labels, Array.from({ length: CLASSES }, (_, k) => `class ${k + 1}\n`).join(''))
  const to = ['--labels', labels, '--precision', 'fp32', '--out', model]
  run(process.execPath, [CLI, 'convert', join(folder, 'detector.pth'), ...to])
}

/** The int8 form of a model folder, beside it. */
function makeInt8(folder) {
  const target = join(folder, 'vertebra-int8')
  const written = join(target, 'model.json')
  if (existsSync(written)) return
  const source = join(folder, 'vertebra-fp32')
  const { input } = JSON.parse(readFileSync(join(source, 'model.json'), 'utf8'))
  const small = { ...input, resize: { ...input.resize, ...CALIBRATION_SIZE } }
  const calibrated = modelForm(source, mkdtempSync(join(folder, 'small-')), (manifest) => ({
    ...manifest,
    input: small,
  }))
  run(process.execPath, [CLI, 'quantize', calibrated, '--data', PHOTOS, '--out', target])
  writeFileSync(written, JSON.stringify({ ...JSON.parse(readFileSync(written, 'utf8')), input }))
}

/** A library that, loaded first, hides from a process what its CPU has beyond AVX2. */
export function avx2Only(folder) {
  const library = join(folder, 'mask_cpu.so')
  if (!existsSync(library)) run('gcc', ['-O2', '-shared', '-fPIC', '-o', library, join(PEERS, 'mask_cpu.c')])
  return library
}

/** Makes what is not there yet; the int8 form, which takes minutes, only where it is wanted. */
export async function prepare(folder, { int8 }) {
  mkdirSync(folder, { recursive: true })
  await writePhoto(folder)
  makeDetector(folder)
  writeInput(folder)
  if (int8) makeInt8(folder)
}

/** Packages of npm that only a peer needs, installed outside the project. */
export function npmPackages(folder, ...names) {
  const target = join(folder, 'npm')
  if (names.every((name) => existsSync(join(target, 'node_modules', name.replace(/(?<=.)@.*$/, ''))))) return target
  mkdirSync(target, { recursive: true })
  run('npm', ['install', '--prefix', target, '--ignore-scripts', '--no-audit', '--no-fund', ...names])
  return target
}
