/** What it would do to keep a group of layers in float32. */
export interface Sensitivity {
  readonly group: string
  /** The share of the outputs' noise that would go, from 1 (all) to below 0 (none; there would be more). */
  readonly gain: number
  /** The group's share of the detector's multiply-adds. */
  readonly cost: number
}

/** A group is worth keeping from this share of the noise on. */
const LEAST_GAIN = 0.05

/** Kept groups may do this share of the multiply-adds together. */
const MOST_COST = 0.05

/** The groups that stay in float32: those that take most noise with them for what they cost, while the budget lasts. */
export function keptGroups(sensitivities: readonly Sensitivity[]): ReadonlySet<string> {
  const kept = new Set<string>()
  const worth = ({ gain, cost }: Sensitivity): number => gain / Math.max(cost, 1e-6)
  let left = MOST_COST
  for (const each of [...sensitivities].sort((a, b) => worth(b) - worth(a))) {
    if (each.gain < LEAST_GAIN || each.cost > left) continue
    kept.add(each.group)
    left -= each.cost
  }
  return kept
}
