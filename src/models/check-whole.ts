import type { Signature, SignatureValue } from '../onnx/signature.ts'
import { requireNone } from './check-graphs.ts'
import type { WholeManifest } from './manifest.ts'

/**
 * Checks that the graph of a whole detector has the inputs and outputs the manifest speaks of. What else it gives is not looked at.
 * @throws VertebraError `MODEL_INVALID` that names what is missing or different.
 */
export function checkWhole({ feeds, outputs }: WholeManifest, signature: Signature, origin: string): void {
  const wanted: readonly Wanted[] = [
    { name: feeds.image, dataType: 'float32', rank: feeds.batched ? 4 : 3 },
    ...(feeds.mask === undefined ? [] : [{ name: feeds.mask, dataType: 'int64', rank: 3 }]),
  ]
  const fed = new Set(wanted.map(({ name }) => name))
  const given = new Set(signature.outputs.map(({ name }) => name))
  const problems = [
    ...wanted.flatMap((input) => inputProblem(input, signature.inputs)),
    ...signature.inputs
      .filter(({ name }) => !fed.has(name))
      .map(({ name }) => `input "${name}" is not in the manifest`),
    ...outputNames(outputs)
      .filter((name) => !given.has(name))
      .map((name) => `output "${name}" is missing (there are ${[...given].join(', ')})`),
  ]
  requireNone(problems, origin)
}

interface Wanted {
  readonly name: string
  readonly dataType: string
  readonly rank: number
}

function inputProblem({ name, dataType, rank }: Wanted, inputs: readonly SignatureValue[]): string[] {
  const input = inputs.find((each) => each.name === name)
  if (!input) return [`input "${name}" is missing (there are ${inputs.map((each) => each.name).join(', ')})`]
  const { dims } = input
  if (input.dataType === dataType && (dims === undefined || dims.length === rank)) return []
  const found = `${input.dataType ?? 'another type'} [${dims?.join(', ') ?? ''}]`
  return [`input "${name}" should be ${dataType} with ${rank} dimensions but is ${found}`]
}

function outputNames(outputs: WholeManifest['outputs']): string[] {
  if (outputs.form === 'boxes') return [outputs.boxes, outputs.labels, outputs.scores]
  return outputs.form === 'grid' ? [outputs.values] : [outputs.logits, outputs.boxes]
}
