import type { Model, Node } from '../onnx/model.ts'
import { elementCount, float32Of } from '../onnx/tensors.ts'
import { byteScaleOf, type IntegerForm } from '../onnx/transforms/insert-quantization.ts'
import { type Int8Weight, int8Weight, outputChannelAxis } from '../onnx/transforms/int8-weights.ts'
import { isLayer } from '../onnx/transforms/integer-layout.ts'

/**
 * The group that each node belongs to: layers that are kept in float32 together or not at all. A residual unit is one; any
 * other layer is one, by its name. What has no weight matrix of its own (sums, pools, the multiplications per channel that
 * stand for batch norm) goes with the latest layer that it reads.
 */
export function layerGroups({ graph }: Model): Map<Node, string> {
  const groups = new Map<Node, string>()
  const groupOf = new Map<string, string>()
  const order: string[] = []
  for (const node of graph.nodes) {
    const [, weight = ''] = node.inputs
    const perChannel = graph.initializers
      .get(weight)
      ?.dims.slice(1)
      .every((dim) => dim === 1)
    let group: string | undefined
    if (isLayer(node, graph) && !perChannel) {
      group = /^(.+\.unit\d+)\./.exec(weight)?.[1] ?? weight.replace(/\.weight$/, '')
      if (!order.includes(group)) order.push(group)
    } else {
      group = order[Math.max(...node.inputs.map((input) => order.indexOf(groupOf.get(input) ?? '')))]
    }
    if (group === undefined) continue
    groups.set(node, group)
    for (const output of node.outputs) groupOf.set(output, group)
  }
  return groups
}

/** The int8 form of every weight that integer layers read. */
export function int8Weights(
  { graph }: Model,
  form: Pick<IntegerForm, 'layout' | 'scales'>,
): ReadonlyMap<string, Int8Weight> {
  const minimumScales = new Map<string, Float64Array>()
  const axes = new Map<string, number>()
  for (const node of form.layout.nodes) {
    const [x = '', weightName = '', biasName = ''] = node.inputs
    const weight = graph.initializers.get(weightName)
    const axis = isLayer(node, graph) ? outputChannelAxis(node, weight) : undefined
    if (!weight || axis === undefined) continue
    axes.set(weightName, axis)
    const bias = graph.initializers.get(biasName)
    if (!bias) continue
    const least = minimumScales.get(weightName) ?? new Float64Array(weight.dims[axis] ?? 0)
    const { scale } = byteScaleOf(form, x)
    // The bias must fit int32 in steps of both scales, with room for a correction.
    float32Of(bias, biasName).forEach((value, c) => {
      least[c] = Math.max(least[c] ?? 0, Math.abs(value) / (scale * 2 ** 30))
    })
    minimumScales.set(weightName, least)
  }
  return new Map(
    [...axes].map(([name, axis]) => {
      const tensor = graph.initializers.get(name)
      if (!tensor) throw new Error(`${name} is not a constant`)
      return [name, int8Weight(tensor, axis, name, minimumScales.get(name))]
    }),
  )
}

/**
 * What rounding the weights adds to the mean of each output channel, with the sign turned: the correction of the bias
 * (Nagel et al. 2019, arXiv:1906.04721, section 4.2). The mean of an output is the sum, over the input channels, of their
 * means times the weights; the border of a map counts as its middle.
 *
 * @param means of the channels of each value, measured in float32
 */
export function biasCorrections(
  { graph }: Model,
  { layout, weights }: Pick<IntegerForm, 'layout' | 'weights'>,
  means: ReadonlyMap<string, Float64Array>,
): ReadonlyMap<string, Float64Array> {
  const corrections = new Map<string, Float64Array>()
  for (const node of layout.nodes) {
    const [x = '', weightName = ''] = node.inputs
    const [output = ''] = node.outputs
    const mean = means.get(x)
    const weight = weights.get(weightName)
    const tensor = graph.initializers.get(weightName)
    if (!isLayer(node, graph) || !mean || !weight || !tensor) continue
    corrections.set(
      output,
      meanErrors(float32Of(tensor, weightName), weight, mean).map((error) => -error),
    )
  }
  return corrections
}

function meanErrors(
  source: Float32Array,
  { values, scales, dims, axis }: Int8Weight,
  mean: Float64Array,
): Float64Array {
  const outputs = scales.length
  const errors = new Float64Array(outputs)
  const cells = elementCount(dims.slice(2))
  const inputs = dims[axis === 0 ? 1 : 0] ?? 0
  // In a grouped convolution output o reads the inputs of its group only.
  const groups = dims.length > 2 ? Math.max(1, mean.length / inputs) : 1
  for (let o = 0; o < outputs; o++) {
    const first = Math.floor((o * groups) / outputs) * inputs
    let error = 0
    for (let i = 0; i < inputs; i++) {
      let difference = 0
      for (let k = 0; k < cells; k++) {
        const at = axis === 0 ? (o * inputs + i) * cells + k : i * outputs + o
        difference += (values[at] as number) * (scales[o] as number) - (source[at] as number)
      }
      error += difference * (mean[first + i] as number)
    }
    errors[o] = error
  }
  return errors
}
