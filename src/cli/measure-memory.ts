import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Command } from 'commander'
import type { PrecisionChoice } from '../detector/precision.ts'
import { loadDetector } from '../load/node.ts'
import { peakMemory } from '../peak-memory.node.ts'
import type { DeviceChoice } from '../runtime/runtime.ts'
import { deviceOption, modelOption, precisionOption, threadsOption } from './options.ts'

interface MemoryFlags {
  readonly model: string
  readonly device: DeviceChoice
  readonly precision: PrecisionChoice
  readonly threads?: number
}

/**
 * Not for people: what `compare` runs once per model, because only a process that runs nothing else can say what memory a
 * model takes. Prints the bytes of its peak resident memory.
 */
export function measureMemoryCommand(signal: AbortSignal): Command {
  return new Command('measure-memory')
    .argument('<photos...>', 'files or URLs')
    .addOption(modelOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .action(async (photos: string[], flags: MemoryFlags) => {
      await using detector = await loadDetector(flags.model, { ...flags, signal })
      for (const photo of photos) await detector.detect(photo, { signal })
      process.stdout.write(`${peakMemory()}\n`)
    })
}

/**
 * The peak resident memory, in bytes, of a process that runs one model on some photos.
 *
 * @returns undefined when it could not be measured.
 */
export async function measureMemory(
  photos: readonly string[],
  { model, device, precision, threads }: MemoryFlags,
  signal: AbortSignal,
): Promise<number | undefined> {
  const options = [
    '--model',
    model,
    '--device',
    device,
    '--precision',
    precision,
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
  ]
  try {
    const args = [process.argv[1] ?? '', 'measure-memory', ...options, '--', ...photos]
    const { stdout } = await promisify(execFile)(process.execPath, args, { signal })
    return Number(stdout) > 0 ? Number(stdout) : undefined
  } catch {
    return undefined
  }
}
