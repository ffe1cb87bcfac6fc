// node examples/degradation.mjs: plain and residual networks before any training: what a tiny change of a picture becomes.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { decodeImage } from 'vertebra'
import { buildBackbone, cifarResnet } from 'vertebra/architectures'
import { randomWeights } from 'vertebra/convert'
import { encodeModel } from 'vertebra/onnx'

const PICTURES = 8
const SIDE = 32
const LENGTH = 3 * SIDE * SIDE
const CHANGE = 0.001
const SEEDS = [1, 2, 3]

const pictures = await cropPhotos(join(import.meta.dirname, 'photos'))
console.log(`${PICTURES} pictures, each also with every value moved a little, ${100 * CHANGE} % of its length in all.`)
console.log('How far the last feature map moves, as a share of the distance between two different pictures:\n')
console.log('layers      plain   residual')
for (const depth of [20, 56, 110]) {
  const shares = []
  for (const shortcut of ['none', 'A']) shares.push(await meanShare(depth, shortcut))
  console.log(String(depth).padEnd(7), ...shares.map((share) => `${(100 * share).toFixed(1)} %`.padStart(9)))
}

async function meanShare(depth, shortcut) {
  let sum = 0
  for (const seed of SEEDS) {
    const model = withBatchStatistics(buildBackbone(cifarResnet(depth, { shortcut }), randomWeights(seed), ['c2']))
    const session = await InferenceSession.create(encodeModel(model), { logSeverityLevel: 3 })
    const { c2 } = await session.run({ image: new Tensor('float32', pictures, [2 * PICTURES, 3, SIDE, SIDE]) })
    await session.release()
    sum += shareMoved(c2.data)
  }
  return sum / SEEDS.length
}

/** Rows 0 to 7 are the pictures' maps, 8 to 15 those of the changed pictures. */
function shareMoved(maps) {
  const size = maps.length / (2 * PICTURES)
  const row = (i) => maps.subarray(i * size, (i + 1) * size)
  let moved = 0
  let apart = 0
  for (let i = 0; i < PICTURES; i++) {
    moved += distance(row(i), row(PICTURES + i)) / PICTURES
    apart += distance(row(i), row((i + 1) % PICTURES)) / PICTURES
  }
  return moved / apart
}

function distance(a, b) {
  return Math.hypot(...a.map((value, i) => value - b[i]))
}

/** Batch norm as it is at the first step of training: with the mean and variance of the batch itself. */
function withBatchStatistics(model) {
  const overBatch = { axes: { kind: 'ints', value: [0, 2, 3] }, keepdims: { kind: 'int', value: 1 } }
  const nodes = model.graph.nodes.flatMap((node) => {
    if (node.opType !== 'BatchNormalization') return [node]
    const { name, inputs, outputs } = node
    const make = (opType, from, to, attributes = {}) => {
      return { name: `${name}.${to}`, opType, domain: '', inputs: from, outputs: [to], attributes }
    }
    const [mean, centred, squares, variance, deviation] = ['m', 'c', 's', 'v', 'd'].map((part) => `${name}.${part}`)
    return [
      make('ReduceMean', [inputs[0]], mean, overBatch),
      make('Sub', [inputs[0], mean], centred),
      make('Mul', [centred, centred], squares),
      make('ReduceMean', [squares], variance, overBatch),
      make('Sqrt', [variance], deviation),
      make('Div', [centred, deviation], outputs[0]),
    ]
  })
  return { ...model, graph: { ...model.graph, nodes } }
}

/** Every fourth pixel of squares along the photos' middles, and the same again with the change. */
async function cropPhotos(folder) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg'))
  const photos = await Promise.all(names.map((name) => decodeImage(join(folder, name))))
  const values = new Float32Array(2 * PICTURES * LENGTH)
  for (let n = 0; n < PICTURES; n++) {
    const { width, height, data } = photos[n % photos.length]
    const left = Math.floor(((width - 4 * SIDE) * n) / PICTURES)
    const top = Math.floor((height - 4 * SIDE) / 2)
    const picture = values.subarray(n * LENGTH, (n + 1) * LENGTH)
    for (let i = 0; i < LENGTH; i++) {
      const [channel, y, x] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE]
      picture[i] = data[3 * ((top + 4 * y) * width + left + 4 * x) + channel] / 127.5 - 1
    }
    const step = (CHANGE * Math.hypot(...picture)) / Math.sqrt(LENGTH)
    const changed = picture.map((value, i) => value + (isUp(i, n) ? step : -step))
    values.set(changed, (PICTURES + n) * LENGTH)
  }
  return values
}

/** A pattern without order: a bit of a well-mixed hash. */
function isUp(i, n) {
  const mixed = Math.imul((i + LENGTH * n) ^ 0x9e3779b9, 0x85ebca6b)
  return (Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 16) & 1
}
