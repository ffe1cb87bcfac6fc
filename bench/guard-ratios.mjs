/**
 * Judges measured ratios by the stored ones; each is a cost, so less is better. One that is not stored fails, too: under a new name
 * nothing would guard it.
 *
 * @param measured name -> ratio
 * @param stored name -> { ratio, tolerance }
 * @returns a row for each ratio, and what is wrong, in words
 */
export function judgeRatios(measured, stored) {
  const rows = []
  const problems = []
  for (const [name, now] of Object.entries(measured)) {
    const entry = stored[name]
    const limit = entry && entry.ratio * (1 + entry.tolerance)
    const verdict = limit === undefined ? 'NOT STORED' : now <= limit ? '' : 'WORSE'
    rows.push([name, entry?.ratio ?? '-', now.toFixed(4), limit?.toFixed(4) ?? '-', verdict])
    if (verdict === 'WORSE') problems.push(`"${name}" became worse: ${now.toFixed(4)}, at most ${limit.toFixed(4)}.`)
    if (verdict === 'NOT STORED') {
      problems.push(
        `"${name}" is not in guard.json, so nothing guards it: rename it there, too, or store it with --update.`,
      )
    }
  }
  return { rows, problems }
}
