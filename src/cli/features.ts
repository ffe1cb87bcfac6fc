import { join } from 'node:path'
import { Command } from 'commander'
import type { FeatureMap } from '../detector/feature-map.ts'
import type { PrecisionChoice } from '../detector/precision.ts'
import { drawHeatMap, encodeImage } from '../draw/index.node.ts'
import { stemOf } from '../formats/names.ts'
import { writeNpz } from '../formats/npz.ts'
import type { RgbImage } from '../images/image.ts'
import { decodeImage } from '../images/index.node.ts'
import { loadBackbone } from '../load/node.ts'
import type { DeviceChoice } from '../runtime/runtime.ts'
import { commaList, deviceOption, modelOption, precisionOption, threadsOption } from './options.ts'
import { progressBar } from './progress-bar.ts'
import { checkWritable, writeWhole } from './write-whole.ts'

interface FeaturesFlags {
  readonly model: string
  readonly device: DeviceChoice
  readonly precision: PrecisionChoice
  readonly threads?: number
  readonly out: string
  readonly levels?: string[]
}

export function featuresCommand(signal: AbortSignal): Command {
  return new Command('features')
    .description('write the feature maps of a photo, as numbers and as heat maps')
    .argument('<photo>', 'file or URL')
    .addOption(modelOption())
    .option('-o, --out <folder>', 'where to write', 'features')
    .option('-l, --levels <names>', "levels such as c3,c4,p3 (default: all of the backbone's)", commaList)
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addHelpText(
      'after',
      `
Writes <photo>.npz with one float32 array [channels, height, width] per level, and <photo>-<level>.png, the mean activation of
the level over the photo.

Examples:
  vertebra features cat.jpg
  vertebra features cat.jpg --levels c5,p3 --out maps`,
    )
    .action(async (photo: string, flags: FeaturesFlags) => {
      const image = await decodeImage(photo, { signal })
      // It makes the folder: not for a photo that cannot be read, but before the network runs.
      await checkWritable(flags.out)
      const bar = progressBar('steps')
      await using backbone = await loadBackbone(flags.model, { ...flags, signal, onProgress: bar.update })
      const maps = await backbone.extract({ ...image, channels: 3 }, { levels: flags.levels, signal })
      bar.clear()
      await writeMaps(join(flags.out, stemOf(photo)), image, Object.values(maps))
    })
}

async function writeMaps(base: string, image: RgbImage, maps: readonly FeatureMap[]): Promise<void> {
  const arrays = maps.map(({ name, channels, height, width, data }) => [
    name,
    { dims: [channels, height, width], data },
  ])
  await writeWhole(`${base}.npz`, writeNpz(Object.fromEntries(arrays)))
  process.stdout.write(`${base}.npz\n`)
  for (const map of maps) {
    const path = `${base}-${map.name}.png`
    await writeWhole(path, await encodeImage(drawHeatMap(image, map, { placement: map.placement }), { format: 'png' }))
    process.stdout.write(`${path}  ${map.channels} channels, ${map.width} x ${map.height}, stride ${map.stride}\n`)
  }
}
