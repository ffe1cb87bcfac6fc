// Converting a checkpoint: the time, and the memory over the file's own size. The checkpoint has torchvision's tensors of a Faster
// R-CNN with ResNet-101, feature pyramid and 91 classes, about 240 MB of random numbers; or `--weights` names another. Each
// conversion is a process of its own.
// Time runs from before the file is read until model.json is written; processor time is that of the whole process with its start,
// and says more where other work runs beside. Memory is the process's largest resident set less what it was with the library
// loaded, before the file was read: the file's own bytes are in it.
//   node bench/convert.mjs [--weights FILE] [--rounds 5]
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { convertDetector, detectorRecipe, readWeights } from 'vertebra/convert'
import { machine, median, megabytes } from './report.mjs'
import { writeTorchvisionDetector } from './torchvision-detector.mjs'

const GOALS = { seconds: 5, ratio: 2.2 }
const PRECISIONS = ['float32', 'float16', 'int8-weights']

const { values } = parseArgs({
  options: {
    weights: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    // What the processes of the conversions are told.
    precision: { type: 'string' },
    out: { type: 'string' },
  },
})
if (values.out === undefined) compare()
else await convert(values.weights, values.precision, values.out)

async function convert(weights, precision, out) {
  const baseline = process.memoryUsage.rss()
  const start = performance.now()
  const file = readWeights(await readFile(weights), basename(weights))
  await mkdir(out, { recursive: true })
  await convertDetector(detectorRecipe(file).recipe, precision, {
    save: (name, content) => writeFile(join(out, name), content),
    sha256: async (content) => createHash('sha256').update(content).digest('hex'),
  })
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage()
  const peak = process.resourceUsage().maxRSS * 1024
  console.log(JSON.stringify({ seconds, processor: (user + system) / 1e6, peak, growth: peak - baseline }))
}

function compare() {
  const scratch = mkdtempSync(join(tmpdir(), 'convert-'))
  try {
    const weights = values.weights ?? writeTorchvisionDetector(join(scratch, 'detector.safetensors'))
    const forms = PRECISIONS.map((precision) => ({ precision, runs: [], out: join(scratch, precision) }))
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const { precision, runs, out } of forms) runs.push(convertApart(weights, precision, out))
    }
    print(statSync(weights).size, forms)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function convertApart(weights, precision, out) {
  const script = fileURLToPath(import.meta.url)
  const flags = [script, '--weights', weights, '--precision', precision, '--out', out]
  const { status, stdout } = spawnSync(process.execPath, flags, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`Converting to ${precision} ended with ${status}.`)
  return JSON.parse(stdout)
}

/** Medians of the times, but the largest of the peaks. */
function print(bytes, forms) {
  console.log(`${machine()}, checkpoint of ${megabytes(bytes)} MB, ${values.rounds} rounds\n`)
  console.log(
    '| stored as | model | time | processor time | peak | growth | growth / file |\n|---|---|---|---|---|---|---|',
  )
  for (const { precision, runs, out } of forms) {
    const [peak, growth] = ['peak', 'growth'].map((key) => Math.max(...runs.map((run) => run[key])))
    const cells = [
      precision,
      `${megabytes(sizeOf(out))} MB`,
      ...['seconds', 'processor'].map((key) => `${median(runs.map((run) => run[key])).toFixed(2)} s`),
      `${megabytes(peak)} MB`,
      `${megabytes(growth)} MB`,
      (growth / bytes).toFixed(2),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
  console.log(`\nGoals: at most ${GOALS.seconds} s and ${GOALS.ratio} times the file.`)
}

function sizeOf(folder) {
  const { graphs } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'))
  return Object.values(graphs).reduce((sum, graph) => sum + graph.bytes, 0)
}
