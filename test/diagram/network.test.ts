import { XMLParser, XMLValidator } from 'fast-xml-parser'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { ARCHITECTURES, type Architecture, architectureByName } from '../../src/architectures/index.ts'
import { summarizeArchitecture } from '../../src/architectures/summary.ts'
import { drawNetwork } from '../../src/diagram/network.ts'

const draw = (architecture: Architecture) => drawNetwork(architecture, summarizeArchitecture(architecture))
const drawn = (name: string) => draw(architectureByName(name))
const elements = (svg: string, kind: string) =>
  [...svg.matchAll(new RegExp(`<(?:path|rect) class="${kind}"`, 'g'))].length
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, content]) => content)

describe('the picture of a network', () => {
  it.each(ARCHITECTURES.filter(({ name }) => !name.includes('1202')).map(({ name }) => name))(
    'of %s is well-formed, with every feature and nothing outside of it',
    (name) => {
      const architecture = architectureByName(name)
      const summary = summarizeArchitecture(architecture)
      const svg = drawNetwork(architecture, summary)
      expect(XMLValidator.validate(svg)).toBe(true)
      expect(texts(svg).filter((content) => /^c\d$/.test(content ?? ''))).toEqual(summary.features.map((f) => f.name))
      const { svg: root } = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(svg)
      for (const { x, y, width, height } of root.rect.slice(1)) {
        expect(Number(x)).toBeGreaterThanOrEqual(0)
        expect(Number(x) + Number(width)).toBeLessThanOrEqual(420)
        expect(Number(y) + Number(height)).toBeLessThanOrEqual(Number(root.height))
      }
      // A letter of 12 pixels takes 6.6 on average: no label is wider than the box it stands in.
      for (const content of texts(svg).filter((each) => each?.includes('conv'))) {
        expect((content ?? '').length * 6.6, content).toBeLessThan(176)
      }
    },
  )

  it('shows each shortcut of ResNet-18', () => {
    const svg = drawn('resnet18')
    // One of each kind more in the legend.
    expect([elements(svg, 'identity'), elements(svg, 'projection'), elements(svg, 'padded')]).toEqual([6, 4, 0])
    expect(elements(svg, 'conv')).toBe(17)
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['7x7 conv, 64, /2', '3x3 conv, 512, /2', '512 × 7 × 7, sees 435']),
    )
  })

  it('tells a plain network, option A and option C from it', () => {
    const kinds = (name: string) => ['identity', 'projection', 'padded'].map((kind) => elements(drawn(name), kind))
    expect(kinds('plain18')).toEqual([0, 0, 0])
    expect(kinds('resnet18-a')).toEqual([6, 0, 4])
    expect(kinds('resnet18-c')).toEqual([0, 9, 0])
  })

  it('folds the 600 units of ResNet-1202 into five', () => {
    const svg = drawn('resnet1202-cifar')
    expect(texts(svg).filter((content) => content?.startsWith('×'))).toEqual(['× 200', '× 199', '× 199'])
    expect(elements(svg, 'conv')).toBe(1 + 5 * 2)
    expect(svg.length).toBeLessThan(10_000)
  })

  it('escapes a name from elsewhere', () => {
    const svg = draw({ ...architectureByName('resnet18'), title: '</title><script>alert(1)</script>' })
    expect(svg).not.toContain('<script')
    expect(XMLValidator.validate(svg)).toBe(true)
  })

  it('is a picture that can be drawn, light and dark', async () => {
    const svg = drawn('resnet18')
    expect(svg).toContain('@media (prefers-color-scheme:dark)')
    const { data, info } = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    const orange = (i: number) => data[i] === 0xd9 && data[i + 1] === 0x48 && data[i + 2] === 0x0f
    let pixels = 0
    for (let i = 0; i < data.length; i += info.channels) if (orange(i)) pixels++
    // Five arcs of some 250 pixels, two and a half wide, and the legend.
    expect(pixels).toBeGreaterThan(1500)
  })
})
