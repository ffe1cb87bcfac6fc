/**
 * The small contract between this library and whatever executes an ONNX graph. The detector knows only this file; the
 * entries `index.node.ts` and `index.web.ts` inject the implementation.
 */

/** Where a graph can run. `cpu` is always there in Node. */
export const DEVICES = ['cuda', 'tensorrt', 'dml', 'coreml', 'webgpu', 'cpu'] as const

export type Device = (typeof DEVICES)[number]

/** A device, or `auto`: the best one that works here. */
export type DeviceChoice = Device | 'auto'

/** A tensor that goes into a graph. */
export type Feed =
  | { readonly dataType: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly dataType: 'int64'; readonly dims: readonly number[]; readonly data: BigInt64Array }

/** A float32 tensor, row-major. */
export interface FloatTensor {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** One loaded graph. Feeds and results are plain typed arrays. */
export interface Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /**
   * Runs the graph.
   * @throws VertebraError `INFERENCE_FAILED`, `OUT_OF_MEMORY`, or `DISPOSED` after `dispose()`.
   */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Readonly<Record<string, FloatTensor>>>
  dispose(): Promise<void>
}

/** Whether a device can be used, and if not, why. */
export interface DeviceReport {
  readonly device: Device
  readonly works: boolean
  /** One sentence. */
  readonly reason: string
}

export interface Runtime {
  /** Package and version, for reports. */
  readonly name: string
  /** The devices this runtime could use on this kind of system, best first. */
  readonly devices: readonly Device[]
  /** Tries a device with a small graph, once. */
  probe(device: Device): Promise<DeviceReport>
  /** Why `auto` should not even try a device that might answer, or undefined. */
  unwise(device: Device): string | undefined
  /**
   * Loads an ONNX model.
   * @throws VertebraError `DEVICE_UNAVAILABLE` when the device cannot be used here, `GRAPH_INVALID` when the runtime
   * refuses the graph, `OUT_OF_MEMORY`.
   */
  open(model: Uint8Array, device: Device, options?: SessionOptions): Promise<Session>
}

export interface SessionOptions {
  /** Threads inside one operator. Default: one per physical core. Available on `cpu` only. */
  readonly threads?: number | undefined
}
