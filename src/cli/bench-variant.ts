import { Command } from 'commander'
import { serveVariant } from '../bench/serve-variant.node.ts'

/** Name of the command that `bench` runs once per variant. */
export const BENCH_VARIANT = 'bench-variant'

/** Not for people: each variant of `bench` is measured in a process of its own, which is asked over its channel. */
export function benchVariantCommand(): Command {
  return new Command(BENCH_VARIANT).action(serveVariant)
}
