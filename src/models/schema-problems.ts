import { en } from 'zod/locales'
import type { ZodMiniType } from 'zod/mini'

/** How many problems a message lists: a file of another kind would have them all. */
const SHOWN = 8

/** What is wrong with a value that a schema refused, one `path: reason` for each field. */
export function schemaProblems(schema: ZodMiniType, value: unknown): string[] {
  // zod/mini brings no words of its own, and a configuration of the whole process is not ours to change.
  const { error } = schema.safeParse(value, { error: en().localeError })
  return (error?.issues ?? [])
    .slice(0, SHOWN)
    .map(({ path, message }) => `${path.length === 0 ? 'the whole' : path.map(String).join('.')}: ${message}`)
}
