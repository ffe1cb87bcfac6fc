/**
 * The names most like `name`, best first, at most four: those that few changes of single characters turn into it.
 *
 * @example
 * nearNames('resnet100', ['resnet101', 'vgg16'])   // ['resnet101']
 */
export function nearNames(name: string, names: readonly string[]): string[] {
  const wanted = name.slice(0, 64).toLowerCase()
  return names
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 4)
    .map(({ candidate }) => candidate)
}

/** Levenshtein's distance: characters to add, drop or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
