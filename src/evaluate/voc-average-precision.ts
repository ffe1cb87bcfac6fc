/** `every-point`: the area under the curve (VOC 2010 on). `eleven-point`: the mean at recall 0, 0.1 … 1 (VOC 2007). */
export type VocMethod = 'every-point' | 'eleven-point'

/**
 * Average precision of a precision-recall curve, whose precision is first made never to rise with recall.
 *
 * The eleven recalls are the floating-point numbers 0.1 * i of the development kit and of NumPy's `arange(0, 1.1, 0.1)`
 * (0.30000000000000004 and so on), so that figures of other tools come out alike.
 *
 * @param recall never falling.
 *
 * @example
 * averagePrecision(Float64Array.of(0.5, 0.5, 1), Float64Array.of(1, 0.5, 2 / 3), 'every-point') // 0.8333
 */
export function averagePrecision(recall: Float64Array, precision: Float64Array, method: VocMethod): number {
  const highest = Float64Array.from(precision)
  for (let i = highest.length - 2; i >= 0; i--) {
    highest[i] = Math.max(highest[i] as number, highest[i + 1] as number)
  }
  return method === 'every-point' ? everyPoint(recall, highest) : elevenPoint(recall, highest)
}

function everyPoint(recall: Float64Array, highest: Float64Array): number {
  let area = 0
  for (let i = 0; i < recall.length; i++) {
    area += ((recall[i] as number) - (i === 0 ? 0 : (recall[i - 1] as number))) * (highest[i] as number)
  }
  return area
}

function elevenPoint(recall: Float64Array, highest: Float64Array): number {
  let sum = 0
  for (let point = 0, i = 0; point <= 10; point++) {
    while (i < recall.length && (recall[i] as number) < point * 0.1) i++
    if (i < recall.length) sum += highest[i] as number
  }
  return sum / 11
}
