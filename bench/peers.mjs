// The library against what else runs such a detector, on the same photos, in turns: Faster R-CNN with ResNet-101 and a feature
// pyramid (256 channels, head 1024-1024, 91 classes), random weights, 1,000 proposals, 640 x 480 brought to 800 x 1066.
//   node bench/peers.mjs [--only eager,export-node,fp32,int8] [--threads 2] [--runs 10] [--seconds 3600] [--cpu avx2] [--json file] [--work folder]
// The first run makes a Python environment and the models (bench/README.md); --runs 0 does only that. In each round every
// peer has one turn, so that whatever else the machine does meets all; read the ratios, not the milliseconds. With --cpu avx2 the
// peers see a CPU without AVX-512, VNNI and AMX (peers/mask_cpu.c; Linux on an Intel CPU).
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startPeer } from './peers/peer-process.mjs'
import { avx2Only, npmPackages, PEERS, prepare, python } from './peers/prepare.mjs'
import { machine, median, megabytes } from './report.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    threads: { type: 'string', default: '2' },
    runs: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '3600' },
    cpu: { type: 'string', default: 'as it is' },
    json: { type: 'string' },
    work: { type: 'string', default: join(tmpdir(), 'vertebra-peers') },
  },
})
const { threads, work, cpu } = values
const runs = Number(values.runs)
/** Milliseconds for loading, compiling, one turn. */
const LIMIT = 150_000
/** Between turns, so that the threads of the last peer have gone to sleep. */
const PAUSE = 150

const inPython = (script, ...more) => [python(), join(PEERS, script), work, threads, ...more]
const tfjs = () => npmPackages(work, '@tensorflow/tfjs@4.22.0', '@tensorflow/tfjs-backend-wasm@4.22.0')
const inNode = (script, ...more) => [process.execPath, join(PEERS, script), work, threads, ...more]

/** By what they do: only peers of one kind are compared. */
const KINDS = {
  'Photo to boxes': {
    eager: () => inPython('torchvision_eager.py'),
    compile: () => inPython('torchvision_compile.py'),
    'export-python': () => inPython('onnxruntime_export.py'),
    'export-node': () => inNode('onnxruntime-export.mjs'),
    openvino: () => inPython('openvino_export.py'),
    fp32: () => inNode('vertebra.mjs', 'fp32'),
    int8: () => inNode('vertebra.mjs', 'int8'),
  },
  'Backbone alone, 800 x 1088': {
    'eager-backbone': () => inPython('torchvision_backbone.py'),
    opencv: () => inPython('opencv_backbone.py'),
    transformers: () => inNode('transformers.mjs', npmPackages(work, '@huggingface/transformers@4.3.1')),
    'fp32-backbone': () => inNode('vertebra-backbone.mjs', 'fp32'),
    'int8-backbone': () => inNode('vertebra-backbone.mjs', 'int8'),
  },
  'Backbone alone in a page of Chromium, 320 x 448': {
    tfjs: () => inNode('page-peer.mjs', 'tfjs', tfjs()),
    page: () => inNode('page-peer.mjs', 'vertebra', tfjs()),
  },
}
/** Peers that others are measured by, and the head of the column. */
const REFERENCES = { eager: 'to eager', 'export-node': 'to export', 'eager-backbone': 'to eager', tfjs: 'to tfjs' }

const known = Object.values(KINDS).flatMap(Object.keys)
const wanted = values.only?.split(',') ?? known
const stranger = wanted.find((key) => !known.includes(key))
if (stranger !== undefined) throw new Error(`Expected --only out of ${known.join(', ')} but received "${stranger}".`)

await prepare(work, { int8: wanted.some((key) => key.startsWith('int8')) })
const environment = cpu === 'avx2' ? { LD_PRELOAD: avx2Only(work) } : {}
const results = []
for (const [kind, peers] of Object.entries(KINDS)) {
  const keys = Object.keys(peers).filter((key) => wanted.includes(key))
  if (keys.length > 0 && runs > 0) results.push({ kind, peers: await measure(keys.map((key) => [key, peers[key]])) })
}
const conditions = `${machine()}, CPU ${cpu}, ${threads} threads, ${new Date().toISOString().slice(0, 10)}`
console.log(conditions)
for (const { kind, peers } of results) printTable(kind, peers)
if (values.json) writeFileSync(values.json, `${JSON.stringify({ conditions, results }, undefined, 2)}\n`)

async function measure(peers) {
  const states = peers.map(([key, command]) => ({ key, command, about: {}, times: [], stages: [], found: new Set() }))
  // One after another: loading takes all cores.
  for (const state of states) {
    await attempt(state, async () => {
      state.process = await startPeer(state.command(), LIMIT, environment)
      state.about = state.process.about
      // The first turn warms up.
      await state.process.turn(0)
    })
  }
  // No round begins after so many seconds, so that what was measured is printed.
  for (let round = 0; round < runs && performance.now() < 1000 * Number(values.seconds); round++) {
    for (let i = 0; i < states.length; i++) {
      const state = states[(round + i) % states.length]
      await sleep(PAUSE)
      await attempt(state, async () => {
        const { ms, found, stages } = await state.process.turn(round)
        state.times[round] = ms
        state.stages.push(stages)
        state.found.add(found)
      })
    }
  }
  for (const state of states) {
    await attempt(state, async () => {
      state.peakBytes = await state.process.end()
    })
  }
  return states.map(({ key, about, times, stages, found, peakBytes, failure }) => ({
    key,
    name: about.name ?? key,
    version: about.version ?? '',
    times,
    ...(stages[0] && { stages }),
    found: [...found],
    peakBytes,
    failure,
  }))
}

/** A peer that fails is a row that says why; the others go on. */
async function attempt(state, work) {
  if (state.failure !== undefined) return
  try {
    await work()
  } catch (error) {
    state.failure = error.message
    process.stderr.write(`${state.key}: ${error.message}\n`)
  }
}

function printTable(kind, peers) {
  const references = peers.filter(({ key, failure }) => key in REFERENCES && failure === undefined)
  const heads = ['median ms', 'p95', 'runs', 'peak MB', ...references.map(({ key }) => REFERENCES[key]), 'found']
  console.log(`\n| ${[kind, 'version', ...heads].join(' | ')} |\n|---|---|${'---|'.repeat(heads.length)}`)
  for (const { name, version, times, peakBytes, found, failure } of peers) {
    const ratios = references.map((reference) => median(times.map((ms, i) => reference.times[i] / ms)).toFixed(2))
    const sorted = [...times].sort((a, b) => a - b)
    const p95 = sorted[Math.ceil(0.95 * sorted.length) - 1]
    const cells =
      failure === undefined && times.length > 0
        ? [median(times).toFixed(0), p95.toFixed(0), times.length, megabytes(peakBytes), ...ratios, found.join(', ')]
        : [`failed: ${failure ?? 'no time was left'}`]
    console.log(`| ${[name, version, ...cells].join(' | ')} |`)
  }
}
