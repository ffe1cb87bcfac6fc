import { countProblems, type DatasetProblem } from '../formats/index.ts'
import { oneLine } from './one-line.ts'

const SHOWN = 3

/** The problems of a dataset for a person: how many of each kind, and the first few of each with file and id. */
export function problemList(problems: readonly DatasetProblem[]): string {
  if (problems.length === 0) return ''
  const lines = [`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in the dataset:`]
  for (const [kind, count] of countProblems(problems)) {
    const own = problems.filter((problem) => problem.kind === kind)
    const actions = [...new Set(own.map(({ action }) => action))].join(' or ')
    lines.push(`  ${count} x ${kind} (${actions})`)
    for (const { message } of own.slice(0, SHOWN)) lines.push(`    ${oneLine(message)}`)
    if (count > SHOWN) lines.push(`    … and ${count - SHOWN} more`)
  }
  return `${lines.join('\n')}\n`
}
