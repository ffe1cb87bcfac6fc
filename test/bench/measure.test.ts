import { describe, expect, it } from 'vitest'
import { type Contender, measureVariants, type Turn } from '../../src/bench/measure.ts'
import { type BenchReport, figuresOf, readBenchReport } from '../../src/bench/report.ts'
import { benchTable, mergedTable } from '../../src/cli/bench-table.ts'
import type { StageTimes } from '../../src/detector/stopwatch.ts'

const times = (network: number): StageTimes => ({
  decode: 1,
  prepare: 2,
  network,
  proposals: 0,
  pooling: 0,
  head: 0,
  postprocess: 0,
})

function contender(model: string, turn: Contender['turn'], photosPerTurn = 1): Contender {
  const about = { model, device: 'cpu', workers: 0, precision: 'float32', sha256: 'ab', runtime: 'none', load: 5 }
  return { about, photosPerTurn, turn, memory: async () => 1e6 }
}

/** Turns of 100 ms; `log` gets the name and the photos of each. */
function steady(name: string, log: string[], photosPerTurn = 1): Contender {
  let network = 0
  const turn = async (photos: readonly string[]): Promise<Turn> => {
    log.push(`${name} ${photos.join('')}`)
    return { milliseconds: 100, times: photos.map(() => times(network++)) }
  }
  return contender(name, turn, photosPerTurn)
}

describe('measuring variants', () => {
  it('takes turns, each round from another one on, after a turn that does not count', async () => {
    const log: string[] = []
    const controller = new AbortController()
    const last = contender('z', async () => {
      log.push('z')
      if (log.length >= 10) controller.abort()
      return { milliseconds: 100, times: [times(7)] }
    })
    const variants = await measureVariants([steady('x', log), steady('y', log, 2), last], ['a', 'b', 'c'], {
      seconds: 1000,
      signal: controller.signal,
    })
    // Warming up; then x y z, y z x, z and the end.
    expect(log).toEqual(['x a', 'y ab', 'z', 'x a', 'y ab', 'z', 'y ca', 'z', 'x b', 'z'])
    const [x, y] = variants
    expect(x).toMatchObject({ photos: 2, photosPerSecond: 10, memory: 1e6, failure: null })
    // Networks of 1 and 2 ms, with 3 ms beside them.
    expect(x?.total).toEqual({ median: 4.5, p95: 5 })
    expect(x?.stages?.network).toEqual({ median: 1.5, p95: 2 })
    expect(y).toMatchObject({ photosPerSecond: 20 })
  })

  it('keeps what a variant has that fails in the middle, and goes on with the others', async () => {
    let turns = 0
    const failing = contender('failing', async () => {
      if (++turns === 3) throw new Error('the device went away')
      return { milliseconds: 10, times: [times(4)] }
    })
    const controller = new AbortController()
    const log: string[] = []
    const good = contender('good', async () => {
      log.push('good')
      if (log.length >= 6) controller.abort()
      return { milliseconds: 10, times: [times(4)] }
    })
    const variants = await measureVariants([failing, good], ['a'], { seconds: 1000, signal: controller.signal })
    expect(variants[0]).toMatchObject({ photos: 1, failure: 'the device went away', memory: null })
    expect(variants[0]?.stages?.network.median).toBe(4)
    expect(variants[1]).toMatchObject({ photos: 5, failure: null })
    expect(turns).toBe(3)
  })

  it('ends when all have failed, and after one round when there is no time', async () => {
    const failing = contender('failing', () => Promise.reject(new Error('no')))
    expect(await measureVariants([failing], ['a'], { seconds: 1e9 })).toMatchObject([
      { photos: 0, failure: 'no', total: null },
    ])
    const log: string[] = []
    const steps: unknown[] = []
    const onProgress = (step: unknown): void => void steps.push(step)
    const [variant] = await measureVariants([steady('x', log)], ['a', 'b'], { seconds: 0, onProgress })
    expect(variant).toMatchObject({ photos: 1 })
    expect(steps).toEqual([{ phase: 'measure', done: 0, total: 0 }])
  })

  it('does not take an abort for a failure of the variant', async () => {
    const controller = new AbortController()
    const waiting = contender('waiting', (_photos, signal) => {
      controller.abort()
      return Promise.reject(signal?.reason)
    })
    const [variant] = await measureVariants([waiting], ['a'], { seconds: 9, signal: controller.signal })
    expect(variant).toMatchObject({ photos: 0, failure: null })
  })
})

describe('figures', () => {
  it('are the median and the value that 95 % do not exceed', () => {
    expect(figuresOf([3])).toEqual({ median: 3, p95: 3 })
    expect(figuresOf([4, 1, 3, 2])).toEqual({ median: 2.5, p95: 4 })
    expect(figuresOf(Array.from({ length: 100 }, (_, i) => 100 - i))).toEqual({ median: 50.5, p95: 95 })
  })
})

describe('a report', () => {
  const stages = Object.fromEntries(Object.keys(times(0)).map((stage) => [stage, { median: 1, p95: 2 }]))
  const report = {
    format: 'vertebra-bench',
    version: 1,
    date: '2026-11-22T10:00:00.000Z',
    vertebra: '0.1.0',
    machine: { cpu: 'A CPU', cores: 4, memory: 8e9, system: 'linux x64 6.1', node: 'v20.20.0' },
    photos: [{ width: 480, height: 360 }],
    interrupted: false,
    variants: [
      {
        model: 'tiny',
        device: 'cpu',
        workers: 0,
        precision: 'float32',
        sha256: 'ab',
        runtime: 'onnxruntime-node 1.30.0',
        load: 1700,
        memory: 969e6,
        photos: 20,
        photosPerSecond: 1.75,
        total: { median: 573, p95: 601 },
        stages: stages as NonNullable<BenchReport['variants'][number]['stages']>,
        failure: null,
      },
      {
        model: 'tiny',
        device: 'cuda',
        workers: 2,
        precision: null,
        sha256: null,
        runtime: null,
        load: null,
        memory: null,
        photos: 0,
        photosPerSecond: null,
        total: null,
        stages: null,
        failure: 'no \u001b[31mlibrary',
      },
    ],
  } as const satisfies BenchReport

  it('is read as it was written, with fields of a later release', () => {
    expect(readBenchReport(JSON.stringify(report), 'a.json')).toEqual(report)
    expect(readBenchReport(JSON.stringify({ ...report, later: 1 }), 'a.json')).toEqual(report)
  })

  it('is refused with the file and the fields when it is something else', () => {
    const read = (value: unknown) => () => readBenchReport(JSON.stringify(value), 'b.json')
    expect(() => readBenchReport('{', 'b.json')).toThrow(/Expected JSON in b\.json/)
    expect(read({ ...report, version: 2 })).toThrow(/"vertebra bench --json" prints in b\.json .*version: /)
    expect(read({ ...report, machine: { ...report.machine, cores: -1 } })).toThrow(/machine\.cores: /)
    expect(read({ ...report, variants: [{ ...report.variants[0], photosPerSecond: 'many' }] })).toThrow(
      /variants\.0\.photosPerSecond/,
    )
    expect(read([])).toThrow(/the whole: /)
  })

  it('is a table', () => {
    expect(benchTable(report)).toMatchInlineSnapshot(`
      "4 x A CPU, linux x64 6.1, Node v20.20.0, vertebra 0.1.0
      1 photo of 480 x 360

        model  device  precision  workers  photos/s     ms    p95  load ms  peak MB  photos
        tiny   cpu     float32          -      1.75  573.0  601.0     1700      969      20
        tiny   cuda    -                2         -      -      -        -        -       0

      Milliseconds per stage: median (95th percentile)
                        tiny cpu
        decode       1.00 (2.00)
        prepare      1.00 (2.00)
        network      1.00 (2.00)
        proposals    1.00 (2.00)
        pooling      1.00 (2.00)
        head         1.00 (2.00)
        postprocess  1.00 (2.00)

      Failed:
        tiny cuda x 2: no ?[31mlibrary
      "
    `)
  })

  it('stands beside those of other machines, the fastest first', () => {
    const other: BenchReport = {
      ...report,
      machine: { ...report.machine, cores: 64 },
      photos: [],
      variants: [{ ...report.variants[0], photosPerSecond: 9, sha256: 'cd' }],
    }
    expect(mergedTable([report, other])).toMatchInlineSnapshot(`
      "  machine     model  device  precision  workers  photos/s     ms    p95  load ms  peak MB  photos  date        vertebra
        64 x A CPU  tiny   cpu     float32          -      9.00  573.0  601.0     1700      969      20  2026-11-22  0.1.0
        4 x A CPU   tiny   cpu     float32          -      1.75  573.0  601.0     1700      969      20  2026-11-22  0.1.0
        4 x A CPU   tiny   cuda    -                2         -      -      -        -        -       0  2026-11-22  0.1.0

      Failed:
        tiny cuda x 2: no ?[31mlibrary

      Not all measured photos of the same sizes: their times cannot be compared.

      Different models have the same name: tiny.
      "
    `)
  })
})
