import { expect, it } from 'vitest'
import * as z from 'zod/mini'
import { manifestSchema } from '../../src/models/manifest-schema.ts'

it('docs/model.schema.json is the schema that models are checked against', async () => {
  const path = new URL('../../docs/model.schema.json', import.meta.url)
  const schema = { ...z.toJSONSchema(manifestSchema), title: 'model.json of a vertebra model folder' }
  // After a change of the schema: npx vitest run test/models/schema.test.ts --update
  await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(path.pathname)
})
