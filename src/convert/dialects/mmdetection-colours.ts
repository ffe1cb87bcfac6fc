import type { InputSpec } from '../../images/input-spec.ts'
import { configCode, hasKey, innerDicts, numberList } from './mmdetection-config.ts'

type Colours = Pick<InputSpec, 'channels' | 'mean' | 'std'>

/**
 * The colours that a training configuration of MMDetection, kept in the file as Python, brings its pictures to: `mean`, `std` and
 * `to_rgb` (version 3: `bgr_to_rgb`) of one dict. The style of the backbone does not tell them: X101-32x8d is of style pytorch and
 * takes BGR. Where several dicts say them the last holds: early versions kept the files that a configuration is based on before it.
 *
 * @returns undefined where it says nothing of colours, `unclear` where it does in another way
 */
export function configuredColours(config?: string): Colours | 'unclear' | undefined {
  const code = configCode(config)
  const isBgrFirst = !/\brgb_to_bgr['"]?\s*[=:]\s*True|\bchannel_order['"]?\s*[=:]\s*['"]rgb/.test(code)
  const last = innerDicts(code).findLast((dict) => hasKey(dict, 'std'))
  if (last === undefined) return hasKey(code, 'mean|std|to_rgb|bgr_to_rgb') ? 'unclear' : undefined
  const [mean, std, toRgb] = [triple(last, 'mean'), triple(last, 'std'), isToRgb(last, code)]
  if (!isBgrFirst || !mean || !std || std.includes(0) || toRgb === undefined) return 'unclear'
  return { channels: toRgb ? 'rgb' : 'bgr', mean, std }
}

function triple(dict: string, key: string): readonly [number, number, number] | undefined {
  const [first = Number.NaN, second = Number.NaN, third = Number.NaN, ...more] = numberList(dict, key) ?? []
  return more.length === 0 && Number.isFinite(third) ? [first, second, third] : undefined
}

/** What is left out: version 3's preprocessor keeps the order of the file, BGR, the step before it turns it round. */
function isToRgb(dict: string, code: string): boolean | undefined {
  if (!hasKey(dict, 'to_rgb|bgr_to_rgb')) return !hasKey(code, 'data_preprocessor')
  const value = /\b(?:bgr_)?to_rgb['"]?\s*[=:]\s*(True|False)\b/.exec(dict)?.[1]
  return value === undefined ? undefined : value === 'True'
}
