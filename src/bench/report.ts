import * as z from 'zod/mini'
import { STAGES, type Stage } from '../detector/stopwatch.ts'
import { messageOf, VertebraError } from '../errors.ts'
import { schemaProblems } from '../models/schema-problems.ts'

/**
 * What `vertebra bench` measured on one machine. The form is stable: fields are added, and none changes its meaning, within
 * one `version`. docs/throughput.md describes it. Times are milliseconds, memory is bytes.
 */
export interface BenchReport {
  readonly format: 'vertebra-bench'
  readonly version: 1
  /** When it ended, ISO 8601. */
  readonly date: string
  /** Version of this library. */
  readonly vertebra: string
  readonly machine: Machine
  /** Sizes of the photos, in pixels. */
  readonly photos: readonly { readonly width: number; readonly height: number }[]
  /** Whether it was ended early. */
  readonly interrupted: boolean
  readonly variants: readonly BenchVariant[]
}

export interface Machine {
  readonly cpu: string
  /** Logical cores. */
  readonly cores: number
  readonly memory: number
  /** `linux x64 6.1.0`. */
  readonly system: string
  readonly node: string
}

/** Median and 95th percentile. */
export interface Figures {
  readonly median: number
  readonly p95: number
}

/** A model on a device; null is what could not be measured. */
export interface BenchVariant {
  readonly model: string
  readonly device: string
  /** Size of the pool, or 0 without one. */
  readonly workers: number
  readonly precision: string | null
  /** Of the model's graphs: the same model everywhere. */
  readonly sha256: string | null
  readonly runtime: string | null
  /** From the name to ready. */
  readonly load: number | null
  /** Peak resident memory of the process. */
  readonly memory: number | null
  /** Photos that were measured. */
  readonly photos: number
  readonly photosPerSecond: number | null
  /** Of one photo; with a pool, while the others ran beside it. */
  readonly total: Figures | null
  readonly stages: Readonly<Record<Stage, Figures>> | null
  /** Why it ended early, or never began. */
  readonly failure: string | null
}

const figure = z.number().check(z.nonnegative())
const count = z.int().check(z.nonnegative())
const text = z.string().check(z.maxLength(1000))
const figures = z.object({ median: figure, p95: figure })

const schema = z.object({
  format: z.literal('vertebra-bench'),
  version: z.literal(1),
  date: text,
  vertebra: text,
  machine: z.object({ cpu: text, cores: count, memory: figure, system: text, node: text }),
  photos: z.array(z.object({ width: count, height: count })),
  interrupted: z.boolean(),
  variants: z.array(
    z.object({
      model: text,
      device: text,
      workers: count,
      precision: z.nullable(text),
      sha256: z.nullable(text),
      runtime: z.nullable(text),
      load: z.nullable(figure),
      memory: z.nullable(figure),
      photos: count,
      photosPerSecond: z.nullable(figure),
      total: z.nullable(figures),
      stages: z.nullable(
        z.object({
          decode: figures,
          prepare: figures,
          network: figures,
          proposals: figures,
          pooling: figures,
          head: figures,
          postprocess: figures,
        }),
      ),
      failure: z.nullable(text),
    }),
  ),
})

/**
 * Reads what `vertebra bench --json` printed, maybe on another machine.
 *
 * @param name of the file, for messages.
 * @throws VertebraError `DATA_INVALID` that names the file and the fields.
 */
export function readBenchReport(json: string, name: string): BenchReport {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new VertebraError('DATA_INVALID', `Expected JSON in ${name} but received: ${messageOf(cause)}.`, { cause })
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new VertebraError(
    'DATA_INVALID',
    `Expected what "vertebra bench --json" prints in ${name} but received: ${schemaProblems(schema, value).join('; ')}.`,
  )
}

/** Median and 95th percentile (the least value that 95 % do not exceed) of at least one number. */
export function figuresOf(values: readonly number[]): Figures {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (i: number): number => sorted[i] as number
  const middle = sorted.length >> 1
  return {
    median: sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2,
    p95: at(Math.ceil(0.95 * sorted.length) - 1),
  }
}

/** Figures of every stage. */
export function stageFigures(times: readonly Readonly<Record<Stage, number>>[]): Record<Stage, Figures> {
  return Object.fromEntries(STAGES.map((name) => [name, figuresOf(times.map((own) => own[name]))])) as Record<
    Stage,
    Figures
  >
}
