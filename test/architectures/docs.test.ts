import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ARCHITECTURES, summarizeArchitecture } from '../../src/architectures/index.ts'
import { drawNetwork } from '../../src/diagram/network.ts'

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

it('docs/architectures.md lists every network with its numbers', () => {
  const rows = ARCHITECTURES.map((architecture) => {
    const { features, parameters, multiplyAdds } = summarizeArchitecture(architecture)
    const levels = features.map(({ name, channels }) => `${name} ${channels}`).join(', ')
    const millions = (multiplyAdds / 1e6).toLocaleString('en-US', {
      minimumFractionDigits: 1,
      maximumFractionDigits: 1,
    })
    const numbers = [parameters.toLocaleString('en-US'), millions, levels, features.at(-1)?.receptiveField]
    return `| \`${architecture.name}\` | ${architecture.title} | ${numbers.join(' | ')} |`
  })
  expect(read('architectures.md').split('\n')).toEqual(expect.arrayContaining(rows))
})

it('its picture is the one that is drawn', () => {
  const architecture = ARCHITECTURES.find(({ name }) => name === 'resnet34-a')
  if (!architecture) throw new Error('no resnet34-a')
  expect(read('architectures-resnet34.svg')).toBe(drawNetwork(architecture, summarizeArchitecture(architecture)))
})
