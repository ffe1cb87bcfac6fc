import { expect, it } from 'vitest'
import { convertDetector } from '../../src/convert/convert.ts'
import { errorOf } from '../error-of.ts'
import { tinyRecipe } from '../tiny-model.ts'

it('refuses a variance that gives no numbers before anything is saved', async () => {
  const recipe = tinyRecipe()
  const place = 'backbone.block2.unit1.conv1.bn.running_var'
  const weights = {
    ...recipe.weights,
    tensor: (name: string, shape: readonly number[]) => {
      const values = recipe.weights.tensor(name, shape)
      return name === place ? values.fill(-1, 1, 2) : values
    },
  }
  const saved: string[] = []
  const output = { save: async (name: string) => void saved.push(name) }
  const failed = await errorOf(convertDetector({ ...recipe, weights }, 'float32', output))
  expect(failed).toMatch(
    /^WEIGHTS_INVALID: Expected a variance above 0 once epsilon \(0\.00001\) is added for element 1 of tensor "backbone\.block2\.unit1\.conv1\.bn\.running_var" but received -1\.$/,
  )
  expect(saved).toEqual([])
})
