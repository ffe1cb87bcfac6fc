/**
 * Rows in columns, two spaces apart.
 *
 * @param options.left columns of text; the others are numbers and stand to the right. Default: the first.
 */
export function textTable(
  rows: readonly (readonly string[])[],
  { left = [0] }: { readonly left?: readonly number[] } = {},
): string {
  const cells = rows.map((row) => row.map(printable))
  const widths: number[] = []
  for (const row of cells) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length)
    })
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (left.includes(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  return cells.map((row) => `  ${line(row).trimEnd()}\n`).join('')
}

/** A fraction as a percentage with two decimals; "-" for the -1 that stands for nothing to measure. */
export function percent(fraction: number): string {
  return fraction < 0 ? '-' : (100 * fraction).toFixed(2)
}

/** Text of a file without the control characters that could steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '?')
}
