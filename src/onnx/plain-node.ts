import type { Attribute, Node } from './model.ts'

/** A node of the standard operators with one output, which gives it its name. */
export function plainNode(
  opType: string,
  inputs: readonly string[],
  name: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): Node {
  return { name, opType, domain: '', inputs, outputs: [name], attributes }
}
