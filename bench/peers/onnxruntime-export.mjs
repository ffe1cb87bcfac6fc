// torchvision's own export in onnxruntime for Node. See peer.py.
import { join } from 'node:path'
import { env, InferenceSession, Tensor } from 'onnxruntime-node'
import { folder, photos, serve, threads } from './peer.mjs'

const session = await InferenceSession.create(join(folder, 'detector.onnx'), {
  executionProviders: ['cpu'],
  intraOpNumThreads: threads,
  logSeverityLevel: 3,
})

/** RGB bytes to the three planes, 0 to 1, that the export takes. */
function planes({ width, height, data }) {
  const area = width * height
  const out = new Float32Array(3 * area)
  for (let i = 0; i < area; i++) for (let c = 0; c < 3; c++) out[c * area + i] = data[3 * i + c] / 255
  return new Tensor('float32', out, [3, height, width])
}

await serve('its export, onnxruntime (Node)', `onnxruntime-node ${env.versions.node}`, photos(), async (photo) => {
  const { scores } = await session.run({ image: planes(photo) })
  return { found: scores.dims[0] }
})
