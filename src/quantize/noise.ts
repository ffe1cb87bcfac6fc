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

  /** Whether all numbers should be 0: noise then has nothing to be measured by. */
  get isSilent(): boolean {
    return this.#signal === 0
  }

  /** Noise power by signal power; 0 where there is no noise, or no signal. */
  get ratio(): number {
    return this.#error === 0 || this.isSilent ? 0 : this.#error / this.#signal
  }

  /** The signal-to-noise ratio in decibels; null where there is no noise, or no signal. */
  get decibels(): number | null {
    return this.#error === 0 || this.isSilent ? null : 10 * Math.log10(this.#signal / this.#error)
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

  /** The mean of the ratios of the outputs that have a signal, so that none counts more for being large. */
  get ratio(): number {
    const ratios = [...this.outputs.values()].filter(({ isSilent }) => !isSilent).map(({ ratio }) => ratio)
    return ratios.reduce((sum, ratio) => sum + ratio, 0) / Math.max(ratios.length, 1)
  }
}
