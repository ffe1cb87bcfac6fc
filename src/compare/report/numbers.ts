import type { Interval } from '../../evaluate/index.ts'

// Figures as a person reads them. A minus is the real sign, which is as wide as the plus.

/** 0.1449 is `14.5`; the -1 of nothing to measure is `–`. */
export function percent(fraction: number): string {
  return fraction < 0 ? '–' : (100 * fraction).toFixed(1)
}

/** 0.012 is `+1.2`, in points of a percentage. */
export function points(fraction: number): string {
  const text = (100 * Math.abs(fraction)).toFixed(1)
  if (text === '0.0') return '0.0'
  return `${fraction < 0 ? '−' : '+'}${text}`
}

/** `−0.4 to +1.2`; empty where nothing could be measured. */
export function intervalText({ low, high }: Interval): string {
  return Number.isNaN(low) ? '' : `${points(low)} to ${points(high)}`
}

/** b - a, or undefined where one of them is the -1 of nothing to measure. */
export function difference(a: number, b: number): number | undefined {
  return a < 0 || b < 0 ? undefined : b - a
}

/** Whether an interval says that there is a difference, and which way. */
export function verdictOf({ low, high }: Interval): 'higher' | 'lower' | 'open' {
  return low > 0 ? 'higher' : high < 0 ? 'lower' : 'open'
}

export function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0)
}

/** `46.8 M`, `105 G` and so on. */
export function quantity(value: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (value >= size) return `${(value / size).toPrecision(3)} ${unit}`
  }
  return Number.isNaN(value) ? '–' : String(value)
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB`
}

/** b / a as `1.3 times`, for costs. */
export function times(a: number, b: number): string {
  return a > 0 ? `${(b / a).toFixed(2)} times` : ''
}

/** `a`, `a and b`, `a, b and c` */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

export function counted(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`
}
