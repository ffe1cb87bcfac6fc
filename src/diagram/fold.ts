import type { UnitSummary } from '../architectures/summary.ts'

/** Equal units that follow each other. */
export interface Run {
  readonly unit: UnitSummary
  readonly count: number
  /** The features that are taken after the last of them. */
  readonly levels: readonly string[]
}

/** Runs shorter than this are drawn one by one. */
const FOLDED = 3

/** The units as they are drawn: three and more equal ones in a row as one. A feature that is taken ends a run. */
export function foldUnits(units: readonly UnitSummary[]): Run[] {
  const runs: Run[] = []
  let open: UnitSummary[] = []
  const close = (): void => {
    const last = open.at(-1)
    if (last && open.length >= FOLDED) runs.push({ unit: last, count: open.length, levels: last.levels })
    else runs.push(...open.map((unit) => ({ unit, count: 1, levels: unit.levels })))
    open = []
  }
  for (const unit of units) {
    const [first] = open
    if (first && shapeOf(first) !== shapeOf(unit)) close()
    open.push(unit)
    if (unit.levels.length > 0) close()
  }
  close()
  return runs
}

function shapeOf({ branches, shortcut }: UnitSummary): string {
  return JSON.stringify([branches, shortcut])
}
