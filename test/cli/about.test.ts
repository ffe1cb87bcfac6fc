import { expect, it } from 'vitest'
import { nameOf, parseAbout } from '../../src/cli/about.ts'

it('what is said of a model is taken as it is', () => {
  const about = {
    name: 'cats',
    source: { weights: 'ours', licence: 'CC0-1.0', citations: [] },
    metrics: [{ dataset: 'VOC', metric: 'AP', value: 0.5, command: 'vertebra eval' }],
  }
  expect(parseAbout(about, 'about.json')).toEqual(about)
  expect(parseAbout({}, 'about.json')).toEqual({})
})

it.each<[unknown, RegExp]>([
  [null, /the whole: expected object but received null/],
  ['cats', /the whole: expected object but received "cats"/],
  [[], /the whole: expected object/],
  [{ nme: 'cats' }, /the whole: no such field: "nme"/],
  [{ name: 'Cats!' }, /name: /],
  [{ description: 5, metrics: null }, /description: expected string but received 5; metrics: expected array/],
  [{ source: { weights: 'ours' } }, /source\.licence: expected string/],
])('%j is refused with what is wrong with it', (value, message) => {
  const parse = () => parseAbout(value, 'about.json')
  expect(parse).toThrow(message)
  expect(parse).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  expect(parse).toThrow(/in about\.json: /)
})

it('a model that has no name gets that of its folder, in the letters of names', () => {
  expect(nameOf('models/My R50 (v2)/')).toEqual({ name: 'my-r50-v2' })
  expect(nameOf('.hidden_model')).toEqual({ name: 'hidden_model' })
  expect(nameOf('/')).toEqual({})
  expect(nameOf('Größe 3')).toEqual({ name: 'gr-e-3' })
  expect(parseAbout(nameOf('.'), 'about.json')).toEqual(nameOf('.'))
})
