#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { messageOf, VertebraError } from '../errors.ts'
import { benchCommand } from './bench.ts'
import { benchVariantCommand } from './bench-variant.ts'
import { classifyCommand } from './classify.ts'
import { compareCommand } from './compare.ts'
import { convertCommand } from './convert.ts'
import { datasetCommand } from './dataset.ts'
import { detectCommand } from './detect.ts'
import { evalCommand } from './eval.ts'
import { featuresCommand } from './features.ts'
import { infoCommand } from './info.ts'
import { listenForInterrupt } from './interrupt.ts'
import { measureMemoryCommand } from './measure-memory.ts'
import { oneLine } from './one-line.ts'
import { quantizeCommand } from './quantize.ts'
import { similarCommand } from './similar.ts'

/** Exit codes: 0 all done, 1 some or all inputs failed, 2 wrong usage; interrupted as `Interrupt` says. */
const FAILED = 1
const WRONG_USAGE = 2

async function main(): Promise<number> {
  const interrupt = listenForInterrupt()
  const program = new Command('vertebra')
    .description('Detect objects in images, look at feature maps, convert weights.')
    .version(packageJson.version)
    .showHelpAfterError('(add --help for the options)')
    .exitOverride()
  for (const command of [
    detectCommand,
    evalCommand,
    compareCommand,
    datasetCommand,
    featuresCommand,
    infoCommand,
    convertCommand,
    quantizeCommand,
    similarCommand,
    classifyCommand,
    benchCommand,
  ]) {
    // Sub-commands made elsewhere do not inherit these two settings.
    program.addCommand(command(interrupt.signal).exitOverride().showHelpAfterError('(add --help for the options)'))
  }
  program.addCommand(measureMemoryCommand(interrupt.signal).exitOverride(), { hidden: true })
  program.addCommand(benchVariantCommand().exitOverride(), { hidden: true })
  try {
    await program.parseAsync()
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE
    const interrupted = interrupt.exitCode()
    if (interrupted !== undefined) {
      process.stderr.write('Interrupted.\n')
      return interrupted
    }
    process.stderr.write(`error: ${oneLine(messageOf(error))}\n`)
    return error instanceof VertebraError && error.code === 'INVALID_ARGUMENT' ? WRONG_USAGE : FAILED
  }
}

// Who reads the output may stop early, as `head` does: that is no failure, and files are still written. What else is
// printed is dropped, as is what would go to a terminal that was closed: its signal ends the work.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && !(stream.isTTY && error.code === 'EIO')) process.exit(FAILED)
  })
}
process.exitCode = await main()
