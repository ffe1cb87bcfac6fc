import { stemOf } from '../formats/names.ts'

/**
 * A file name without extension for each input, for outputs that are one file per photo: the photo's own name, or its
 * whole path with `_` for what separates it where two photos share a name.
 *
 * @param reserved names that no input may have, as they are files of another kind.
 */
export function outputNames(inputs: readonly string[], reserved: readonly string[] = []): readonly string[] {
  const stems = inputs.map(stemOf)
  const uses = new Map<string, number>()
  for (const stem of [...reserved, ...stems]) uses.set(stem, (uses.get(stem) ?? 0) + 1)
  const taken = new Set(reserved)
  return inputs.map((input, i) => {
    const stem = stems[i] ?? ''
    const wanted = uses.get(stem) === 1 ? stem : input.replace(/^[./\\]+/, '').replace(/[^\p{L}\p{N}._-]+/gu, '_')
    let name = wanted
    for (let n = 2; taken.has(name); n++) name = `${wanted}-${n}`
    taken.add(name)
    return name
  })
}
