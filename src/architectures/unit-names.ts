const UNIT = /^backbone\.(block\d+|inception\d+|conv\d+)(?:\.(unit\d+)|_(\d+)|([a-z]))?(?=\.|$)/
const TOP = /^classifier(?:\.(fc\d))?(?=\.|$)/

/**
 * The stage and the unit that a tensor or node of a network belongs to by its name: `backbone.block2.unit1.conv1` is block2,
 * unit1; `backbone.conv3_2` is conv3, 2; `backbone.inception4a.project` is inception4, a. Undefined for a name of no unit.
 */
export function unitAt(name: string): { readonly stage: string; readonly unit: string } | undefined {
  const [, stage, unit, layer, module] = UNIT.exec(name) ?? []
  if (stage !== undefined) return { stage, unit: unit ?? layer ?? module ?? '' }
  const top = TOP.exec(name)
  return top ? { stage: 'classifier', unit: top[1] ?? '' } : undefined
}
