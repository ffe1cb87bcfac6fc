/** A list may not be longer than this, which a few numbers on lines of their own never are. */
const LONGEST = 400

const WITHOUT_COMMENTS = /'[^'\n]*'|"[^"\n]*"|#.*/g

/** A training configuration of MMDetection, Python that a checkpoint keeps as text: without comments, tuples of numbers as lists. */
export function configCode(config = ''): string {
  return (
    config
      .replace(WITHOUT_COMMENTS, (part) => (part.startsWith('#') ? '' : part))
      // A tuple of numbers is no dict.
      .replace(/\(([\d\s.,eE+-]*)\)/g, '[$1]')
  )
}

/** Whether one of the keys (divided by `|`) is given a value, as in `key=…` and `'key': …`. */
export function hasKey(code: string, keys: string): boolean {
  return new RegExp(`\\b(${keys})['"]?\\s*[=:]`).test(code)
}

/** The innermost dicts: those that hold no other. */
export function innerDicts(code: string): string[] {
  return code.match(/[({][^(){}]*(?=[)}])/g) ?? []
}

/** The list of numbers that a key has in a dict; undefined where it has none, or another value. */
export function numberList(dict: string, key: string): number[] | undefined {
  const list = new RegExp(`\\b${key}['"]?\\s*[=:]\\s*\\[([^[\\]]{1,${LONGEST}})\\]`).exec(dict)?.[1]
  const numbers = list
    ?.replace(/,\s*$/, '')
    .split(',')
    .map((text) => (text.trim() === '' ? Number.NaN : Number(text)))
  return numbers?.every(Number.isFinite) ? numbers : undefined
}

/** Whether the backbone is of Caffe's style: its stride on the 1x1 convolutions. */
export function isCaffeStyled(code: string): boolean {
  return /\bstyle['"]?\s*[=:]\s*['"]caffe['"]/.test(code)
}
