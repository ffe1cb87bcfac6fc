import type { InputSpec } from '../../images/input-spec.ts'

type Colours = Pick<InputSpec, 'channels' | 'mean' | 'std'>

/** A number list may not be longer than this, which three numbers on lines of their own never are. */
const LONGEST = 400

/**
 * The colours that a training configuration of MMDetection, kept in the file as Python, brings its pictures to: `mean`, `std` and
 * `to_rgb` (version 3: `bgr_to_rgb`) of one dict. The style of the backbone does not tell them: X101-32x8d is of style pytorch and
 * takes BGR. Where several dicts say them the last holds: early versions kept the files that a configuration is based on before it.
 *
 * @returns undefined where it says nothing of colours, `unclear` where it does in another way
 */
export function configuredColours(config = ''): Colours | 'unclear' | undefined {
  const code = config
    .replace(/'[^'\n]*'|"[^"\n]*"|#.*/g, (part) => (part.startsWith('#') ? '' : part))
    // A tuple of numbers is no dict.
    .replace(/\(([\d\s.,eE+-]*)\)/g, '[$1]')
  const isBgrFirst = !/\brgb_to_bgr['"]?\s*[=:]\s*True|\bchannel_order['"]?\s*[=:]\s*['"]rgb/.test(code)
  const dicts = (code.match(/[({][^(){}]*(?=[)}])/g) ?? []).filter((dict) => has(dict, 'std'))
  const last = dicts.at(-1)
  if (last === undefined) return has(code, 'mean|std|to_rgb|bgr_to_rgb') ? 'unclear' : undefined
  const [mean, std, toRgb] = [triple(last, 'mean'), triple(last, 'std'), isToRgb(last, code)]
  if (!isBgrFirst || !mean || !std || std.includes(0) || toRgb === undefined) return 'unclear'
  return { channels: toRgb ? 'rgb' : 'bgr', mean, std }
}

function has(code: string, keys: string): boolean {
  return new RegExp(`\\b(${keys})['"]?\\s*[=:]`).test(code)
}

function triple(dict: string, key: string): readonly [number, number, number] | undefined {
  const list = new RegExp(`\\b${key}['"]?\\s*[=:]\\s*\\[([^[\\]]{1,${LONGEST}})\\]`).exec(dict)?.[1]
  const [first = Number.NaN, second = Number.NaN, third = Number.NaN, ...more] = (list ?? '')
    .replace(/,\s*$/, '')
    .split(',')
    .map((text) => (text.trim() === '' ? Number.NaN : Number(text)))
  const numbers = [first, second, third] as const
  return more.length === 0 && numbers.every(Number.isFinite) ? numbers : undefined
}

/** What is left out: version 3's preprocessor keeps the order of the file, BGR, the step before it turns it round. */
function isToRgb(dict: string, code: string): boolean | undefined {
  if (!has(dict, 'to_rgb|bgr_to_rgb')) return !has(code, 'data_preprocessor')
  const value = /\b(?:bgr_)?to_rgb['"]?\s*[=:]\s*(True|False)\b/.exec(dict)?.[1]
  return value === undefined ? undefined : value === 'True'
}
