import { requireOutput } from '../detector/graph-output.ts'
import { VertebraError } from '../errors.ts'
import type { Model } from '../onnx/model.ts'
import { type InputDims, inferShapes } from '../onnx/shapes.ts'
import { elementCount } from '../onnx/tensors.ts'
import { pruneModel } from '../onnx/transforms/prune.ts'
import type { Feed, FloatTensor, Session } from '../runtime/runtime.ts'

/** Opens a graph where calibration runs. */
export type OpenGraph = (model: Model) => Promise<Session>

type Feeds = Readonly<Record<string, Feed>>

/** What a graph gave, by name. */
export type Maps = Readonly<Record<string, FloatTensor>>

/** Numbers that one run may give at a time: 256 MB of float32. */
const MOST_ELEMENTS = 2 ** 26

interface ObservedSession {
  readonly session: Session
  readonly values: ReadonlySet<string>
}

/** A graph whose inner values can be looked at while it runs. */
export class ObservedGraph implements AsyncDisposable {
  readonly #sessions: readonly ObservedSession[]
  readonly #outputs: ReadonlySet<string>
  readonly #inputs: readonly string[]

  private constructor(sessions: readonly ObservedSession[], outputs: ReadonlySet<string>, inputs: readonly string[]) {
    this.#sessions = sessions
    this.#outputs = outputs
    this.#inputs = inputs
  }

  /**
   * @param values inputs and inner values to look at. Where they are many for one photo, several runs share them.
   * @param inputDims sizes for which they are counted; default: they fit into one run
   */
  static async open(
    open: OpenGraph,
    model: Model,
    values: readonly string[] = [],
    inputDims?: InputDims,
  ): Promise<ObservedGraph> {
    const outputs = model.graph.outputs.map(({ name }) => name)
    const inputs = new Set(model.graph.inputs.map(({ name }) => name))
    const inner = values.filter((name) => !inputs.has(name))
    const shapes = inputDims && inferShapes(model, inputDims)
    const observedInputs = values.filter((name) => inputs.has(name))
    const sessions: ObservedSession[] = []
    const graph = new ObservedGraph(sessions, new Set(outputs), observedInputs)
    try {
      for (const [i, part] of parts(inner, (name) => elementCount(shapes?.get(name) ?? [])).entries()) {
        const wanted = new Set(i === 0 ? [...outputs, ...part] : part)
        sessions.push({ session: await open(pruneModel(model, [...wanted])), values: new Set(part) })
      }
    } catch (error) {
      await graph[Symbol.asyncDispose]()
      throw error
    }
    return graph
  }

  /** Runs the graph; `observe` sees each value, and may not keep it. Gives the outputs. */
  async run(feeds: Feeds, observe?: (value: string, tensor: FloatTensor) => void): Promise<Maps> {
    const outputs: Record<string, FloatTensor> = {}
    for (let part = 0; part < this.#sessions.length; part++) {
      const { values, outputs: own } = await this.#runPart(part, feeds)
      if (observe) for (const [name, tensor] of values) observe(name, tensor)
      Object.assign(outputs, own)
    }
    return outputs
  }

  /** Runs two forms of a graph that were opened alike, and shows each value of both; gives the outputs of both. */
  async runBeside(
    other: ObservedGraph,
    [feeds, otherFeeds]: readonly [Feeds, Feeds],
    observe: (value: string, own: FloatTensor, other: FloatTensor) => void,
  ): Promise<[Maps, Maps]> {
    const outputs: [Record<string, FloatTensor>, Record<string, FloatTensor>] = [{}, {}]
    for (let part = 0; part < this.#sessions.length; part++) {
      const own = await this.#runPart(part, feeds)
      const others = await other.#runPart(part, otherFeeds)
      for (const [name, tensor] of own.values) {
        const counterpart = others.values.get(name)
        if (counterpart) observe(name, tensor, counterpart)
      }
      Object.assign(outputs[0], own.outputs)
      Object.assign(outputs[1], others.outputs)
    }
    return outputs
  }

  async #runPart(part: number, feeds: Feeds): Promise<{ values: Map<string, FloatTensor>; outputs: Maps }> {
    const { session, values: wanted } = this.#sessions[part] as ObservedSession
    const values = new Map<string, FloatTensor>()
    for (const name of part === 0 ? this.#inputs : []) {
      const feed = feeds[name]
      if (feed && 'dataType' in feed && feed.dataType === 'float32') values.set(name, feed)
    }
    const tensors = await session.run(Object.fromEntries(session.inputs.map((name) => [name, feeds[name] as Feed])))
    const own: Record<string, FloatTensor> = {}
    for (const name of session.outputs) {
      const tensor = requireOutput(tensors, name)
      if (wanted.has(name)) values.set(name, tensor)
      if (this.#outputs.has(name)) own[name] = tensor
    }
    return { values, outputs: own }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { session } of this.#sessions) await session.dispose()
  }
}

/** Values in their order, cut so that each part has at most `MOST_ELEMENTS`; at least one part. */
function parts(values: readonly string[], size: (name: string) => number): string[][] {
  const result: string[][] = [[]]
  let sum = 0
  for (const name of values) {
    sum += size(name)
    if (sum > MOST_ELEMENTS) {
      sum = size(name)
      result.push([])
    }
    result.at(-1)?.push(name)
  }
  return result
}

/** @throws VertebraError `MODEL_INVALID` that names the value and the photo when a number is not finite. */
export function requireFinite(value: string, { data }: FloatTensor, photo: string): void {
  // Any number times 0 is 0, but for NaN and the infinities.
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) * 0
  if (sum === 0) return
  throw new VertebraError(
    'MODEL_INVALID',
    `Expected finite numbers in value "${value}" but received ${data.find((each) => !Number.isFinite(each))} for ` +
      `${photo}: the model cannot be quantized.`,
    { value },
  )
}
