/** Contrast ratio of two opaque CSS colours in the form `rgb(r, g, b)` (WCAG 2.2). */
export function contrast(a: string, b: string): number {
  const luminances = [a, b].map((colour) => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map((level) => {
      const value = Number(level) / 255
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  })
  return (Math.max(...luminances) + 0.05) / (Math.min(...luminances) + 0.05)
}
