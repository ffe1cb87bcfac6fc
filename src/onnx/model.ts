/**
 * An ONNX model in memory, immutable: transforms return a new model that shares what they did not change.
 * Field meanings follow onnx.proto (ONNX 1.16, IR version 10).
 */

/** The element types this library reads and writes, with their TensorProto.DataType numbers. */
export const DATA_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
} as const

export type DataType = keyof typeof DATA_TYPES

/** A constant tensor. `bytes` are the little-endian, row-major elements, often a view into the file that was read. */
export interface Tensor {
  readonly dataType: DataType
  readonly dims: readonly number[]
  readonly bytes: Uint8Array
}

/** A dimension: a fixed size, or the name of a free one (`N`, `H`, `W`, `R`). */
export type Dim = number | string

/** An input or output of a graph: its name, element type and dimensions. */
export interface ValueInfo {
  readonly name: string
  readonly dataType: DataType
  readonly dims: readonly Dim[]
}

/** A node's attribute. Numbers are written as INT or FLOAT, so the kind is part of the value. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Tensor }

/** One operator of a graph: values in, values out, by name. */
export interface Node {
  readonly name: string
  readonly opType: string
  /** Empty for the standard operators. */
  readonly domain: string
  /** Names of values; an empty string is an optional input left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

/** Operators that feed each other, their constants, and what goes in and comes out. */
export interface Graph {
  readonly name: string
  /** In topological order. */
  readonly nodes: readonly Node[]
  /** The constants, weights above all, by the name that nodes read them under. */
  readonly initializers: ReadonlyMap<string, Tensor>
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
}

/** What one ONNX file holds: a graph, and the versions that say how it is read. */
export interface Model {
  readonly irVersion: number
  /** Version of the standard operator set. */
  readonly opset: number
  readonly producer: string
  readonly metadata: Readonly<Record<string, string>>
  readonly graph: Graph
}

/** The IR version and standard operator set of everything this library writes: read by ONNX Runtime 1.12 and later. */
export const WRITTEN_VERSION: { readonly irVersion: number; readonly opset: number } = { irVersion: 8, opset: 17 }
