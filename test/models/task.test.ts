import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { resnet } from '../../src/architectures/resnet.ts'
import { convertBackbone, convertClassifier } from '../../src/convert/convert-network.ts'
import type { ImageNetwork } from '../../src/convert/image-network.ts'
import { loadBackbone, loadClassifier, loadDetector } from '../../src/index.node.ts'
import { openModel } from '../../src/models/load.ts'
import { locateModel } from '../../src/models/locate.node.ts'
import { parseManifest } from '../../src/models/parse-manifest.ts'
import { summarizeModel } from '../../src/models/summary.ts'
import { randomWeights } from '../../src/weights/random.ts'
import { errorOf } from '../error-of.ts'
import { temporaryFolder, testPhoto, tinyModelFolder, writeModelFolder } from '../tiny-model.ts'

const network = (): ImageNetwork => ({
  title: 'ResNet of width 8',
  description: resnet(18, { width: 8, stages: [1, 1, 1, 1] }),
  weights: randomWeights(7),
  classes: 3,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
  isExtra: () => false,
})

let detector: string
let classifier: string
let backbone: string

beforeAll(async () => {
  const base = temporaryFolder()
  detector = await tinyModelFolder()
  classifier = await writeModelFolder(join(base, 'classifier'), await convertClassifier(network(), { crop: 64 }))
  backbone = await writeModelFolder(join(base, 'backbone'), await convertBackbone(network(), { resize: 64 }))
})

const photo = testPhoto(80, 60)

describe('tasks of model folders', () => {
  it('loadBackbone works with all three', async () => {
    for (const folder of [detector, classifier, backbone]) {
      await using model = await loadBackbone(folder, { device: 'cpu' })
      expect(await model.embed(photo)).toHaveLength(64)
      expect((await model.similar(photo, photo)).toFixed(5)).toBe('1.00000')
    }
  })

  it('the levels of a pyramid are a detector’s only', async () => {
    await using model = await loadBackbone(classifier, { device: 'cpu' })
    expect(await errorOf(model.extract(photo, { levels: ['p3'] }))).toMatch(
      /^INVALID_ARGUMENT: Expected names out of c2, c3, c4, c5 /,
    )
  })

  it('a folder of another task is refused with what it is for', async () => {
    const refused = async (work: Promise<AsyncDisposable>) => {
      const error = await errorOf(work)
      return error.replace(/^MODEL_INVALID: /, '')
    }
    expect(await refused(loadDetector(classifier))).toBe(
      'Expected a detector but the model "residual" is a classifier, which is for loadClassifier and "vertebra classify".',
    )
    expect(await refused(loadDetector(backbone))).toMatch(/^Expected a detector but .* is a backbone without a head/)
    expect(await refused(loadClassifier(detector))).toMatch(/^Expected a classifier but the model "tiny" is a detector/)
    expect(await refused(loadClassifier(backbone))).toMatch(/^Expected a classifier but .* for loadBackbone/)
  })

  it('a summary counts the graphs there are', async () => {
    const graphsOf = async (folder: string) => {
      const summary = await summarizeModel(await openModel(await locateModel(folder)), 80, 60)
      return summary.graphs.map(({ graph, parameters }) => [graph, parameters > 0])
    }
    expect(await graphsOf(backbone)).toEqual([['backbone', true]])
    expect(await graphsOf(classifier)).toEqual([
      ['backbone', true],
      ['classifier', true],
    ])
    const model = await openModel(await locateModel(classifier))
    expect(await errorOf(model.graph('rpn'))).toMatch(
      /^MODEL_INVALID: Expected a graph "rpn" .* backbone, classifier\./,
    )
  })

  it('a classifier gives the most probable classes, as many as asked for', async () => {
    await using model = await loadClassifier(classifier, { device: 'cpu' })
    expect(model.labels).toEqual(['class 0', 'class 1', 'class 2'])
    const { classes, device } = await model.classify(photo, { top: 2 })
    expect(classes).toHaveLength(2)
    expect(classes[0]?.probability).toBeGreaterThanOrEqual(classes[1]?.probability ?? 1)
    expect(device.device).toBe('cpu')
    expect(await errorOf(model.classify(photo, { top: 0 }))).toMatch(/^INVALID_ARGUMENT: .*for top/)
    expect(await errorOf(model.classify(photo, { signal: AbortSignal.abort() }))).toMatch(/^ABORTED/)
    await model.dispose()
    expect(await errorOf(model.classify(photo))).toMatch(/^DISPOSED/)
  })
})

describe('manifests of tasks', () => {
  const parse = async (change: (manifest: Record<string, unknown>) => void, folder: string): Promise<string> => {
    const { manifest } = await openModel(await locateModel(folder))
    const changed: Record<string, unknown> = { ...manifest }
    change(changed)
    return errorOf((async () => parseManifest(JSON.stringify(changed), 'model.json'))())
  }

  it('without a task are those of detectors', async () => {
    expect(await parse((manifest) => delete manifest.task, detector)).toBe('no error')
    expect(await parse((manifest) => Object.assign(manifest, { task: 'detect' }), detector)).toBe('no error')
    expect(await parse((manifest) => delete manifest.task, classifier)).toMatch(/anchors/)
  })

  it('are refused when a task is unknown, or parts are missing or too many', async () => {
    expect(await parse((manifest) => Object.assign(manifest, { task: 'segment' }), backbone)).toMatch(/task: /)
    expect(await parse((manifest) => delete manifest.labels, classifier)).toMatch(/labels: /)
    expect(await parse((manifest) => Object.assign(manifest, { labels: [{ name: 'a' }] }), backbone)).toMatch(/labels/)
    const crop = { rule: 'crop', size: 32, width: 64, height: 20, filter: 'antialias', output: 'uint8' }
    const cropped = (manifest: Record<string, unknown>): void => {
      manifest.input = { ...(manifest.input as object), resize: crop }
    }
    expect(await parse(cropped, classifier)).toMatch(/64 x 20 cannot be taken of a side of 32/)
    expect(await parse(cropped, detector)).toMatch(/input\.resize/)
  })

  it('are refused when a graph is not what they say', async () => {
    const files = await locateModel(classifier)
    const { manifest } = await openModel(files)
    const changed = { ...manifest, labels: [{ name: 'a' }, { name: 'b' }] }
    const model = await openModel({
      ...files,
      read: async (file, options) =>
        file === 'model.json' ? new TextEncoder().encode(JSON.stringify(changed)) : files.read(file, options),
    })
    expect(await errorOf(model.graph('classifier'))).toMatch(
      /^MODEL_INVALID: .*output "logits" should have 2 channels but has 3/,
    )
  })
})
