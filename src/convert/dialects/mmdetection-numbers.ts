import { configCode, hasKey, innerDicts, numberList } from './mmdetection-config.ts'

/** Of anchors: versions 2 and 3 in the dict of the generator, version 1 in that of the RPN. */
const ANCHORS: Readonly<Record<string, readonly number[]>> = {
  scales: [8],
  ratios: [0.5, 1, 2],
  strides: [4, 8, 16, 32, 64],
}
/** Of the RPN's boxes and of the head's. */
const TARGET_STDS: readonly string[] = ['1,1,1,1', '0.1,0.1,0.2,0.2']

/**
 * What a training configuration of MMDetection says of anchors or of the targets of boxes that is not as in
 * configs/_base_/models/faster-rcnn_r50_fpn.py: nothing in the tensors tells it, and every box would be another one.
 *
 * @returns the number's key with what is usual, or undefined where all is usual or nothing is said
 */
export function unusualNumbers(config?: string): { readonly key: string; readonly usual: string } | undefined {
  const code = configCode(config)
  const generator = innerDicts(code).findLast((dict) => hasKey(dict, 'scales') && hasKey(dict, 'ratios')) ?? ''
  for (const [key, usual] of Object.entries(ANCHORS)) {
    for (const [name, text] of [
      [key, generator],
      [`anchor_${key}`, code],
    ] as const) {
      if (!hasKey(text, name) || String(numberList(text, name)) === String(usual)) continue
      return { key: name, usual: `[${usual.join(', ')}]` }
    }
  }
  const stds = code.match(/\btarget_stds['"]?\s*[=:]\s*\[[^[\]]*\]/g) ?? []
  const isUsual = stds.every((text) => TARGET_STDS.includes(String(numberList(text, 'target_stds'))))
  return isUsual ? undefined : { key: 'target_stds', usual: '[0.1, 0.1, 0.2, 0.2]' }
}
