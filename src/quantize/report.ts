import type { GraphName } from '../models/manifest.ts'
import type { RangeMethod } from './byte-range.ts'

/** One value that is bytes. */
export interface ValueReport {
  readonly value: string
  /** The group of layers that gives it; undefined for an input of the graph. */
  readonly group: string | undefined
  readonly method: RangeMethod
  readonly low: number
  readonly high: number
  /** Signal-to-noise ratio in decibels against float32, with all layers before it in integers; null without noise or signal. */
  readonly decibels: number | null
}

/** One group of layers: what keeping it in float32 would do, and whether it is. */
export interface GroupReport {
  readonly group: string
  /** Share of the outputs' noise that would go. */
  readonly gain: number
  /** Share of the detector's multiply-adds. */
  readonly cost: number
  readonly kept: boolean
}

export interface GraphReport {
  readonly graph: GraphName
  /** Whether biases take back what rounding the weights adds. */
  readonly biasesCorrected: boolean
  readonly values: readonly ValueReport[]
  readonly groups: readonly GroupReport[]
  /** Decibels of each output; the box head's on the proposals of float32. */
  readonly outputs: Readonly<Record<string, number | null>>
}

/** How a detector was quantised, and how large the error is. */
export interface QuantizationReport {
  /** Photos that the ranges come from, and those of them that errors were measured on. */
  readonly photos: number
  readonly measuredPhotos: number
  readonly warnings: readonly string[]
  readonly graphs: readonly GraphReport[]
}
