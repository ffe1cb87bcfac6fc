import type { Graph } from '../model.ts'

/** Who reads which value of a graph, and which names are taken. */
export class Readers {
  readonly #counts = new Map<string, number>()
  readonly #taken: Set<string>

  constructor(graph: Graph) {
    const read = [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map((output) => output.name)]
    for (const name of read) this.#counts.set(name, this.count(name) + 1)
    this.#taken = valueNames(graph)
  }

  /** Times a value is read: by nodes, and as an output of the graph. */
  count(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** A name like `base` that no value has yet; it is taken from now on. */
  freshName(base: string): string {
    return freshName(base, this.#taken)
  }
}

/** The names of all values of a graph: inputs, constants, and what nodes make. */
export function valueNames(graph: Graph): Set<string> {
  return new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ])
}

/** `base`, or `base_1`, `base_2`, …: the first that is not in `taken`, to which it is added. */
export function freshName(base: string, taken: Set<string>): string {
  let name = base
  for (let count = 1; taken.has(name); count++) name = `${base}_${count}`
  taken.add(name)
  return name
}
