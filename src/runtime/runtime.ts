/**
 * The small contract between this library and whatever executes an ONNX graph. The detector knows only this file; the
 * entries `index.node.ts` and `index.web.ts` inject the implementation.
 */

/** Where a graph can run. `cpu` is always there in Node, `wasm` in a browser. */
export const DEVICES = ['cuda', 'tensorrt', 'dml', 'coreml', 'webgpu', 'webnn', 'cpu', 'wasm'] as const

export type Device = (typeof DEVICES)[number]

/** A device, or `auto`: the best one that works here. */
export type DeviceChoice = Device | 'auto'

/** A tensor that goes into a graph. */
export type Feed =
  | HeldTensor
  | { readonly dataType: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly dataType: 'int64'; readonly dims: readonly number[]; readonly data: BigInt64Array }

/** A float32 tensor, row-major. */
export interface FloatTensor {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** A float32 tensor that a session left on its device, for another session of that device to read. */
export interface HeldTensor {
  readonly dims: readonly number[]
  /** The runtime's own tensor. */
  readonly held: unknown
  /** Frees its memory on the device. */
  release(): void
}

/** What a graph gives by name: numbers, or what was to be held on the device. */
export type Tensors = Readonly<Record<string, FloatTensor | HeldTensor>>

/** One loaded graph. */
export interface Session {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /**
   * Runs the graph.
   * @param into outputs that are to be written there, on a device that `writesInto`; their dimensions must be the graph's.
   * @throws VertebraError `INFERENCE_FAILED`, `OUT_OF_MEMORY`, or `DISPOSED` after `dispose()`.
   */
  run(feeds: Readonly<Record<string, Feed>>, into?: Readonly<Record<string, FloatTensor>>): Promise<Tensors>
  dispose(): Promise<void>
}

/** Whether a device can be used, and if not, why. */
export interface DeviceReport {
  readonly device: Device
  readonly works: boolean
  /** One sentence. */
  readonly reason: string
  /** What would make a device that works work better. */
  readonly note?: string | undefined
}

export interface Runtime {
  /** Package and version, for reports. */
  readonly name: string
  /** The devices this runtime could use on this kind of system, best first. */
  readonly devices: readonly Device[]
  /** Tries a device with a small graph, once. */
  probe(device: Device): Promise<DeviceReport>
  /** Why `auto` should not even try a device that might answer, or undefined. */
  unwise(device: Device): Promise<string | undefined>
  /** Whether a device that worked has gone (a GPU that was reset or unplugged); `probe` says no to it from then on. */
  isLost(device: Device): boolean
  /** What a device wants a graph to be. */
  traits(device: Device): DeviceTraits
  /**
   * Loads an ONNX model.
   * @throws VertebraError `DEVICE_UNAVAILABLE` when the device cannot be used here, `GRAPH_INVALID` when the runtime
   * refuses the graph, `OUT_OF_MEMORY`.
   */
  open(model: Uint8Array, device: Device, options?: SessionOptions): Promise<Session>
}

/** How a device differs from the CPU in Node. */
export interface DeviceTraits {
  /**
   * What pools boxes best: this library's own `kernel` between the graphs, the graph's RoiAlign, or for want of it GridSample,
   * one photo at a time.
   */
  readonly roiPooling: 'kernel' | 'operator' | 'grid-sample'
  /** A run can write its outputs into memory that it is given. */
  readonly writesInto: boolean
  /** Weights stay int8 in memory, at a small cost in time, because memory is what is scarce. */
  readonly keepsInt8Weights: boolean
  /** Feature maps can stay on the device between two sessions. */
  readonly holdsTensors: boolean
  /** A graph's weights may be given beside it, which spares a copy of them. */
  readonly takesWeightsApart: boolean
  /** In float32, 3x3 convolutions are faster in Winograd's form. */
  readonly prefersWinograd: boolean
}

export interface SessionOptions {
  /** Threads inside one operator. Default: one per physical core. For `cpu` and `wasm`. */
  readonly threads?: number | undefined
  /** Outputs that stay on the device, where it `holdsTensors`. */
  readonly hold?: readonly string[] | undefined
  /** What the graph names as external data, where the device `takesWeightsApart`. */
  readonly weights?: ReadonlyMap<string, Uint8Array> | undefined
}
