import { unexpected } from '../errors.ts'
import type { Attribute, Node } from './model.ts'

/** An INT attribute. */
export function int(value: number): Attribute {
  return { kind: 'int', value }
}

/** A FLOAT attribute, rounded to the single precision it is stored in. */
export function float(value: number): Attribute {
  return { kind: 'float', value: Math.fround(value) }
}

/** A STRING attribute. */
export function string(value: string): Attribute {
  return { kind: 'string', value }
}

/** An INTS attribute. */
export function ints(value: readonly number[]): Attribute {
  return { kind: 'ints', value }
}

/** The value of a node's INT attribute, or `fallback` where it is left out. */
export function intOf(node: Node, name: string, fallback: number): number {
  const attribute = find(node, name)
  if (attribute === undefined) return fallback
  if (attribute.kind !== 'int') throw wrongKind(node, name, 'an int', attribute)
  return attribute.value
}

/** The value of a node's FLOAT attribute, or `fallback` where it is left out. */
export function floatOf(node: Node, name: string, fallback: number): number {
  const attribute = find(node, name)
  if (attribute === undefined) return fallback
  if (attribute.kind !== 'float') throw wrongKind(node, name, 'a float', attribute)
  return attribute.value
}

/** The value of a node's STRING attribute, or `fallback` where it is left out. */
export function stringOf(node: Node, name: string, fallback: string): string {
  const attribute = find(node, name)
  if (attribute === undefined) return fallback
  if (attribute.kind !== 'string') throw wrongKind(node, name, 'a string', attribute)
  return attribute.value
}

/** The value of a node's INTS attribute, or undefined where it is left out. */
export function intsOf(node: Node, name: string): readonly number[] | undefined {
  const attribute = find(node, name)
  if (attribute === undefined) return undefined
  if (attribute.kind !== 'ints') throw wrongKind(node, name, 'ints', attribute)
  return attribute.value
}

function find(node: Node, name: string): Attribute | undefined {
  return Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined
}

function wrongKind(node: Node, name: string, what: string, attribute: Attribute): Error {
  return unexpected(`attribute ${name} of ${node.opType} node "${node.name}"`, what, attribute.kind, 'GRAPH_INVALID')
}
