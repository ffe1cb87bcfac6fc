/** Red, green and blue in levels from 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number]

/**
 * A colour of the OKLCH space (Björn Ottosson 2020) in sRGB; where sRGB cannot show it, with as much of the chroma as it
 * can. `lightness` 0 to 1, `hue` in degrees.
 */
export function oklch(lightness: number, chroma: number, hue: number): Rgb {
  let low = 0
  let high = chroma
  if (inGamut(linearRgb(lightness, chroma, hue))) low = chroma
  else {
    for (let step = 0; step < 16; step++) {
      const middle = (low + high) / 2
      if (inGamut(linearRgb(lightness, middle, hue))) low = middle
      else high = middle
    }
  }
  const [red, green, blue] = linearRgb(lightness, low, hue)
  return [encode(red), encode(green), encode(blue)]
}

/** The colour of a class: always the same for the same index, and unlike those of its neighbours. */
export function classColour(classIndex: number): Rgb {
  const lightness = [0.72, 0.5, 0.84][classIndex % 3] as number
  return oklch(lightness, 0.19, 30 + classIndex * 137.508)
}

/** Black or white, whichever is easier to read on the colour; the contrast is at least 4.5 on any. */
export function inkOn(colour: Rgb): Rgb {
  const white: Rgb = [255, 255, 255]
  const black: Rgb = [0, 0, 0]
  return contrast(white, colour) >= contrast(black, colour) ? white : black
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(a: Rgb, b: Rgb): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

/** `#rrggbb` */
export function hex(colour: Rgb): string {
  return `#${colour.map((level) => level.toString(16).padStart(2, '0')).join('')}`
}

function linearRgb(lightness: number, chroma: number, hue: number): Rgb {
  const a = chroma * Math.cos((hue * Math.PI) / 180)
  const b = chroma * Math.sin((hue * Math.PI) / 180)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ]
}

function inGamut(linear: Rgb): boolean {
  return linear.every((value) => value >= -1e-4 && value <= 1 + 1e-4)
}

function encode(linear: number): number {
  const value = Math.min(1, Math.max(0, linear))
  return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055))
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((level) => {
    const value = level / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
