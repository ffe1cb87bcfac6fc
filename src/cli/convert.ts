import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { type ConvertedModel, convertDetector, STORED_PRECISIONS, type StoredPrecision } from '../convert/convert.ts'
import type { About } from '../convert/recipe.ts'
import { vertebraDetector } from '../convert/vertebra-detector.ts'
import { messageOf, VertebraError } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import { readSafetensors } from '../weights/containers/safetensors.ts'
import { writeWhole } from './write-whole.ts'

interface ConvertFlags {
  readonly out: string
  readonly about?: string
  readonly config?: string
  readonly precision: StoredPrecision
}

export function convertCommand(signal: AbortSignal): Command {
  return new Command('convert')
    .description('turn trained weights into a model folder')
    .argument('<weights>', 'safetensors file that the training exported')
    .requiredOption('-o, --out <folder>', 'the model folder to write')
    .option('--about <file>', 'JSON with name, description, source and metrics for the manifest')
    .option('--config <file>', "JSON with the detector's numbers, when the weights carry none")
    .addOption(
      new Option('--precision <form>', 'how weights are stored').choices(STORED_PRECISIONS).default('int8-weights'),
    )
    .addHelpText(
      'after',
      `
Examples:
  vertebra convert detector.safetensors --out my-model
  vertebra detect photo.jpg --model my-model`,
    )
    .action(async (weights: string, flags: ConvertFlags) => {
      const about = flags.about === undefined ? {} : parseAbout(await readText(flags.about), flags.about)
      const config = flags.config === undefined ? undefined : await readText(flags.config)
      const file = readSafetensors(await readWeights(weights))
      throwIfAborted(signal)
      const model = await convertDetector(vertebraDetector(file, about, config), flags.precision)
      throwIfAborted(signal)
      await writeModel(flags.out, model)
      const bytes = [...model.files.values()].reduce((sum, content) => sum + content.byteLength, 0)
      process.stdout.write(`${flags.out}: ${model.manifest.architecture}, ${(bytes / 1e6).toFixed(1)} MB\n`)
    })
}

/** The manifest goes last: until it is there, the folder is not a model. */
async function writeModel(folder: string, { files }: ConvertedModel): Promise<void> {
  for (const [name, content] of files) if (name !== 'model.json') await writeWhole(join(folder, name), content)
  await writeWhole(join(folder, 'model.json'), files.get('model.json') ?? '')
}

async function readWeights(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new VertebraError(
      'WEIGHTS_INVALID',
      `Expected a weight file but ${path} cannot be read: ${messageOf(cause)}.`,
      {
        cause,
      },
    )
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new VertebraError(
      'INVALID_ARGUMENT',
      `Expected a JSON file but ${path} cannot be read: ${messageOf(cause)}.`,
      {
        cause,
      },
    )
  }
}

/** Its fields are checked with the manifest they become part of. */
function parseAbout(json: string, path: string): About {
  try {
    return JSON.parse(json) as About
  } catch (cause) {
    throw new VertebraError('INVALID_ARGUMENT', `Expected JSON in ${path}: ${messageOf(cause)}.`, { cause })
  }
}
