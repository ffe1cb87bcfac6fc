import { expect, it } from 'vitest'
import * as z from 'zod/mini'
import { manifestSchema } from '../../src/models/manifest-schema.ts'
import { schemaProblems } from '../../src/models/schema-problems.ts'

it('docs/model.schema.json is the schema that models are checked against', async () => {
  const path = new URL('../../docs/model.schema.json', import.meta.url)
  const schema = { ...z.toJSONSchema(manifestSchema), title: 'model.json of a vertebra model folder' }
  // After a change of the schema: npx vitest run test/models/schema.test.ts --update
  await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(path.pathname)
})

it('says what was expected and what came', () => {
  const schema = z.strictObject({
    name: z.string().check(z.regex(/^a/)),
    count: z.int().check(z.minimum(1), z.maximum(9)),
    share: z.number().check(z.gt(0), z.lt(1)),
    kind: z.enum(['x', 'y']),
    list: z.array(z.number()).check(z.minLength(1)),
    of: z.discriminatedUnion('task', [z.object({ task: z.literal('a') }), z.object({ task: z.literal('b') })]),
  })
  const good = { name: 'a', count: 1, share: 0.5, kind: 'x', list: [1], of: { task: 'a' } }
  const problems = (change: object): string[] => schemaProblems(schema, { ...good, ...change })
  expect(problems({})).toEqual([])
  expect(problems({ name: 1, count: 1.5, share: Number.NaN, list: null })).toEqual([
    'name: expected string but received 1',
    'count: expected int but received 1.5',
    'share: expected number but received NaN',
    'list: expected array but received null',
  ])
  expect(problems({ name: 'b', count: 0, share: 0, kind: 'z', list: [], of: { task: 'c' } })).toEqual([
    'name: expected what fits /^a/ but received "b"',
    'count: expected at least 1 but received 0',
    'share: expected more than 0 but received 0',
    'kind: expected "x" or "y" but received "z"',
    'list: expected at least 1 items but received []',
    expect.stringMatching(/^of\.task: expected "a" or "b" but received /),
  ])
  expect(problems({ count: 10, share: 1, more: 1, 'and\nmore': 1 })).toEqual([
    'count: expected at most 9 but received 10',
    'share: expected less than 1 but received 1',
    'the whole: no such field: "more", "and\\nmore"',
  ])
  expect(schemaProblems(schema, 7)).toEqual(['the whole: expected object but received 7'])
})
