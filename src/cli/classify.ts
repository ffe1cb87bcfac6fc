import { Command } from 'commander'
import type { Classification } from '../classify/classifier.ts'
import type { PrecisionChoice } from '../detector/precision.ts'
import { expandSources } from '../images/sources.node.ts'
import { loadClassifier } from '../load/node.ts'
import type { DeviceChoice } from '../runtime/runtime.ts'
import { eachPicture, reportFailures } from './each-picture.ts'
import { json } from './json.ts'
import { deviceOption, precisionOption, threadsOption, wholeNumber } from './options.ts'
import { progressBar } from './progress-bar.ts'
import { readStandardInput } from './standard-input.ts'
import { printable } from './text-table.ts'

interface ClassifyFlags {
  readonly model: string
  readonly top: number
  readonly json?: boolean
  readonly device: DeviceChoice
  readonly precision: PrecisionChoice
  readonly threads?: number
}

export function classifyCommand(signal: AbortSignal): Command {
  return new Command('classify')
    .description('say what pictures show, as a whole')
    .argument('<photos...>', 'files, folders, globs, URLs, or - for standard input')
    .requiredOption('-m, --model <model>', 'a classifier: name of an installed model, a model folder, or a URL')
    .option('-k, --top <n>', 'most probable classes of each picture', wholeNumber(1), 5)
    .option('--json', 'print JSON')
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addHelpText(
      'after',
      `
Classifiers come from trained weights: vertebra convert resnet50.pth --task classify --out my-resnet50

Examples:
  vertebra classify cat.jpg --model my-resnet50
  vertebra classify photos/ --model my-resnet50 --top 1 --json

Exit codes: 0 all pictures done, 1 some failed (the others are done), 2 wrong usage,
130 interrupted (SIGTERM 143, SIGHUP 129).`,
    )
    .action(async (photos: string[], flags: ClassifyFlags) => {
      process.exitCode = await classify(photos, flags, signal)
    })
}

async function classify(photos: readonly string[], flags: ClassifyFlags, signal: AbortSignal): Promise<number> {
  const { images, problems } = await expandSources(photos)
  const failures = problems.map((problem) => problem.message)
  const bar = progressBar('pictures')
  const results: { file: string; width: number; height: number; classes: Classification['classes'] }[] = []
  if (images.length > 0) {
    try {
      await using classifier = await loadClassifier(flags.model, { ...flags, signal, onProgress: bar.update })
      const work = async (image: string): Promise<void> => {
        const input = image === '-' ? await readStandardInput(signal) : image
        const { width, height, classes } = await classifier.classify(input, { top: flags.top, signal })
        const file = image === '-' ? 'stdin' : image
        if (flags.json) {
          results.push({ file, width, height, classes })
          return
        }
        bar.clear()
        process.stdout.write(resultText(file, classes))
      }
      failures.push(...(await eachPicture(images, 'classify', bar, signal, work)))
      if (flags.json) {
        const { name } = classifier.manifest
        process.stdout.write(json({ model: name, images: results }))
      }
    } finally {
      bar.clear()
    }
  }
  reportFailures(failures)
  return failures.length > 0 ? 1 : 0
}

function resultText(file: string, classes: Classification['classes']): string {
  const lines = classes.map(({ label, probability }) => `  ${probability.toFixed(3)}  ${printable(label)}\n`)
  return `${printable(file)}\n${lines.join('')}`
}
