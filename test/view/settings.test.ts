import { expect, test } from 'vitest'
import { readSettings, type ViewSettings } from '../../src/view/settings.ts'
import { errorOf } from '../error-of.ts'

function read(attributes: Readonly<Record<string, string>>): ViewSettings {
  return readSettings((name) => attributes[name] ?? null)
}

test('attributes and their defaults', () => {
  expect(read({ model: ' tiny ', camera: '' })).toEqual({
    model: 'tiny',
    src: undefined,
    camera: '',
    minScore: 0.5,
    classes: undefined,
    maxFps: undefined,
    device: 'auto',
    heatMap: undefined,
    runtimeUrl: undefined,
    autostart: false,
  })
  const all = {
    model: 'm',
    src: 'a.mp4',
    'min-score': '0',
    classes: 'cat, dog,',
    'max-fps': '12.5',
    device: 'wasm',
    'heat-map': 'c4',
    'runtime-url': '/ort/',
    autostart: '',
  }
  expect(read(all)).toEqual({
    model: 'm',
    src: 'a.mp4',
    camera: undefined,
    minScore: 0,
    classes: ['cat', 'dog'],
    maxFps: 12.5,
    device: 'wasm',
    heatMap: 'c4',
    runtimeUrl: '/ort/',
    autostart: true,
  })
})

test.each([
  [{ camera: '' }, /attribute model/],
  [{ model: 'm' }, /attributes src and camera but received "none"/],
  [{ model: 'm', src: 'a.jpg', camera: '' }, /attributes src and camera but received "both"/],
  [{ model: 'm', camera: '', 'min-score': '2' }, /a number from 0 to 1 for the attribute min-score/],
  [{ model: 'm', camera: '', 'min-score': 'x' }, /attribute min-score/],
  [{ model: 'm', camera: '', 'max-fps': '0' }, /attribute max-fps/],
  [{ model: 'm', camera: '', device: 'gpu' }, /one of auto, .*attribute device/],
] as const)('%j is refused in words', async (attributes, words) => {
  const error = await errorOf((async () => read(attributes))())
  expect(error).toMatch(/^INVALID_ARGUMENT: /)
  expect(error).toMatch(words)
})
