// What every benchmark says of the machine, how it finds a model, and how it prints.
import { cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { root } from '../scripts/set-up.mjs'

/** @param model name of a shipped model, or a folder: what has a slash in it */
export const modelFolder = (model) => (model.includes('/') ? resolve(model) : join(root, 'models', model))

export function machine() {
  const [cpu] = cpus()
  return `${cpus().length} x ${cpu?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export const megabytes = (bytes) => Math.round(bytes / 1e6)

export const row = (name, value, note = '') => `  ${name.padEnd(12)} ${value.padStart(12)}  ${note}`
