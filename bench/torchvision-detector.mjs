// A checkpoint of full size without Python: the tensors of torchvision's FasterRCNN on resnet_fpn_backbone('resnet101') with random
// numbers, as a safetensors file.
import { closeSync, openSync, writeSync } from 'node:fs'

const UNITS = [3, 4, 23, 3]
const WIDTH = 64
const PYRAMID = 256
const HIDDEN = 1024
const CLASSES = 91
const ANCHORS = 3

/** Names and shapes. */
function* tensors() {
  const body = 'backbone.body'
  yield [`${body}.conv1.weight`, [WIDTH, 3, 7, 7]]
  yield* norm(`${body}.bn1`, WIDTH)
  let inputs = WIDTH
  for (const [stage, units] of UNITS.entries()) {
    const width = WIDTH * 2 ** stage
    for (let unit = 0; unit < units; unit++) {
      yield* bottleneck(`${body}.layer${stage + 1}.${unit}`, inputs, width, unit === 0)
      inputs = width * 4
    }
  }
  for (let level = 0; level < UNITS.length; level++) {
    yield* layer(`backbone.fpn.inner_blocks.${level}.0`, [PYRAMID, WIDTH * 4 * 2 ** level, 1, 1])
    yield* layer(`backbone.fpn.layer_blocks.${level}.0`, [PYRAMID, PYRAMID, 3, 3])
  }
  yield* layer('rpn.head.conv.0.0', [PYRAMID, PYRAMID, 3, 3])
  yield* layer('rpn.head.cls_logits', [ANCHORS, PYRAMID, 1, 1])
  yield* layer('rpn.head.bbox_pred', [ANCHORS * 4, PYRAMID, 1, 1])
  yield* layer('roi_heads.box_head.fc6', [HIDDEN, PYRAMID * 49])
  yield* layer('roi_heads.box_head.fc7', [HIDDEN, HIDDEN])
  yield* layer('roi_heads.box_predictor.cls_score', [CLASSES, HIDDEN])
  yield* layer('roi_heads.box_predictor.bbox_pred', [CLASSES * 4, HIDDEN])
}

function* bottleneck(name, inputs, width, isFirst) {
  const shapes = [
    [width, inputs, 1, 1],
    [width, width, 3, 3],
    [width * 4, width, 1, 1],
  ]
  for (const [i, shape] of shapes.entries()) {
    yield [`${name}.conv${i + 1}.weight`, shape]
    yield* norm(`${name}.bn${i + 1}`, shape[0])
  }
  if (!isFirst) return
  yield [`${name}.downsample.0.weight`, [width * 4, inputs, 1, 1]]
  yield* norm(`${name}.downsample.1`, width * 4)
}

function* norm(name, channels) {
  for (const field of ['weight', 'bias', 'running_mean', 'running_var']) yield [`${name}.${field}`, [channels]]
}

function* layer(name, shape) {
  yield [`${name}.weight`, shape]
  yield [`${name}.bias`, [shape[0]]]
}

/** Writes the file, tensor by tensor, and gives its path. */
export function writeTorchvisionDetector(path) {
  const sizes = [...tensors()].map(([name, shape]) => ({ name, shape, size: shape.reduce((a, b) => a * b) }))
  const header = {}
  let offset = 0
  for (const { name, shape, size } of sizes) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + size * 4] }
    offset += size * 4
  }
  // Padded with blanks, so that the numbers are aligned.
  const json = JSON.stringify(header)
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  const file = openSync(path, 'w')
  try {
    for (const part of [length, text]) writeSync(file, part)
    let state = 1
    for (const { name, size } of sizes) {
      const values = new Float32Array(size)
      for (let i = 0; i < size; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        values[i] = state / 2 ** 32 - (name.endsWith('running_var') ? 0 : 0.5)
      }
      writeSync(file, new Uint8Array(values.buffer))
    }
  } finally {
    closeSync(file)
  }
  return path
}
