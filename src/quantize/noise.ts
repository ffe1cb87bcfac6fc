import type { Maps } from './observed-graph.ts'

/** How far numbers are from what they should be: the power of the differences by the power of the signal. */
export class Noise {
  #signal = 0
  #error = 0

  add(reference: Float32Array, actual: Float32Array): void {
    let [signal, error] = [0, 0]
    for (let i = 0; i < reference.length; i++) {
      const value = reference[i] as number
      signal += value ** 2
      error += (value - (actual[i] as number)) ** 2
    }
    this.#signal += signal
    this.#error += error
  }

  /** Noise power by signal power; 0 where there is no noise. */
  get ratio(): number {
    return this.#error === 0 ? 0 : this.#error / this.#signal
  }

  /** The signal-to-noise ratio in decibels; null where there is no noise. */
  get decibels(): number | null {
    return this.#error === 0 ? null : 10 * Math.log10(this.#signal / this.#error)
  }
}

/** The noise of each of some outputs, over photos. */
export class OutputNoise {
  readonly outputs: Map<string, Noise> = new Map()

  add(names: readonly string[], reference: Maps, actual: Maps): void {
    for (const name of names) {
      const [expected, received] = [reference[name], actual[name]]
      if (!expected || !received) continue
      const noise = this.outputs.get(name) ?? new Noise()
      noise.add(expected.data, received.data)
      this.outputs.set(name, noise)
    }
  }

  /** The mean of the outputs' ratios, so that none counts more for being large. */
  get ratio(): number {
    let sum = 0
    for (const noise of this.outputs.values()) sum += noise.ratio
    return this.outputs.size === 0 ? 0 : sum / this.outputs.size
  }
}
