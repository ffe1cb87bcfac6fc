import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { convertClassifier } from '../src/convert/convert-network.ts'
import { imageNetwork } from '../src/convert/image-network.ts'
import { readWeights } from '../src/weights/containers/index.ts'
import { temporaryFolder, writeModelFolder } from './tiny-model.ts'

const NAME = 'resnet.pth'

/** Writes a narrow ResNet with seven classes into a new temporary folder, which is removed after the file's tests. */
export async function tinyClassifierFolder(): Promise<string> {
  const bytes = readFileSync(new URL(`fixtures/classify/${NAME}`, import.meta.url))
  const network = imageNetwork(readWeights(new Uint8Array(bytes), NAME))
  const labels = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  return writeModelFolder(
    join(temporaryFolder(), 'tiny-classifier'),
    await convertClassifier(network, { labels }, 'float32'),
  )
}
