import type { FloatTensor } from '../runtime/runtime.ts'
import { byteScale, chooseRange } from './byte-range.ts'
import { ChannelStatistics } from './channel-statistics.ts'
import { Histogram } from './histogram.ts'
import type { CalibratedGraph } from './integer-graph.ts'

interface Statistics {
  /** Of every second photo, and of the others. */
  readonly histograms: readonly [Histogram, Histogram]
  readonly channels: ChannelStatistics
}

/** What is collected about the values of a graph over photos. */
export class ValueStatistics {
  readonly #values = new Map<string, Statistics>()

  add(value: string, { dims, data }: FloatTensor, photo: number): void {
    let known = this.#values.get(value)
    if (!known) {
      known = { histograms: [new Histogram(), new Histogram()], channels: new ChannelStatistics(dims[1] ?? 1) }
      this.#values.set(value, known)
    }
    known.histograms[photo % 2 === 0 ? 0 : 1].add(data)
    known.channels.add(dims, data)
  }

  results(): Pick<CalibratedGraph, 'ranges' | 'scales' | 'means'> {
    const entries = [...this.#values]
    const ranges = new Map(
      // Of a single photo one half must serve for both.
      entries.map(
        ([
          value,
          {
            histograms: [even, odd],
          },
        ]) => [value, chooseRange(even, odd.width === 0 ? even : odd)],
      ),
    )
    return {
      ranges,
      scales: new Map([...ranges].map(([value, range]) => [value, byteScale(range)])),
      means: new Map(entries.map(([value, { channels }]) => [value, channels.mean])),
    }
  }
}
