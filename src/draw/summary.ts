/** Plurals that English does not make by rule, of the labels of VOC and COCO. */
const PLURALS: Readonly<Record<string, string>> = {
  sheep: 'sheep',
  mouse: 'mice',
  knife: 'knives',
  scissors: 'scissors',
  skis: 'skis',
  broccoli: 'broccoli',
  aircraft: 'aircraft',
}

/**
 * What is seen, in words: the labels with their numbers, the most frequent first.
 *
 * @example
 * describeDetections([{ label: 'dog' }, { label: 'person' }, { label: 'person' }]) // '2 persons, 1 dog'
 * describeDetections([]) // 'nothing found'
 */
export function describeDetections(detections: readonly { readonly label: string }[]): string {
  const counts = new Map<string, number>()
  for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1)
  if (counts.size === 0) return 'nothing found'
  // By name where the numbers are equal, so that the order does not change with the scores.
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return sorted.map(([label, count]) => `${count} ${count === 1 ? label : plural(label)}`).join(', ')
}

function plural(label: string): string {
  const [, before = '', last = label] = /^(.*\s)?(\S+)$/.exec(label) ?? []
  const known = Object.hasOwn(PLURALS, last) ? PLURALS[last] : undefined
  if (known !== undefined) return `${before}${known}`
  if (/(s|x|z|ch|sh)$/.test(last)) return `${label}es`
  return /[^aeiou]y$/.test(last) ? `${label.slice(0, -1)}ies` : `${label}s`
}
