import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, describe, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { detectorRecipe } from '../../src/convert/dialects/index.ts'
import type { ConvertedModel } from '../../src/convert/store-model.ts'
import { readWeightFile } from '../../src/weights/read-weights.node.ts'
import { expectSameDetections, expectSameMaps } from '../convert/compare-detector.ts'
import { readExpected, readPhoto } from '../convert/dialect-fixture.ts'
import { temporaryFolder } from '../tiny-model.ts'

const python = fileURLToPath(new URL('../../training/.venv/bin/python', import.meta.url))
const script = fileURLToPath(new URL('../reference/dialects.py', import.meta.url))
const isHere = process.env.PARITY === '1' && existsSync(python)
if (!isHere) console.warn('Skipped: the detectors of torchvision in full size need PARITY=1 and training/.venv.')

describe.skipIf(!isHere)('torchvision in full size, random weights', () => {
  const folder = isHere ? temporaryFolder() : ''
  const url = pathToFileURL(`${folder}/`)
  beforeAll(() => void execFileSync(python, ['-W', 'ignore', script, '--full', folder]), 600_000)

  it.each(['v1', 'v2'])(
    'fasterrcnn_resnet50_fpn %s gives the same features, proposals and detections',
    { timeout: 600_000 },
    async (name) => {
      const file = await readWeightFile(join(folder, `${name}.pth`))
      const model: ConvertedModel = await convertDetector(detectorRecipe(file).recipe, 'float32')
      const [photo, expected] = [readPhoto(url), readExpected(name, url)]
      await expectSameMaps(model, photo, expected)
      await expectSameDetections(model, photo, expected)
    },
  )
})
