import { basename, resolve } from 'node:path'
import * as z from 'zod/mini'
import type { About } from '../convert/recipe.ts'
import { VertebraError } from '../errors.ts'
import { anyManifest } from '../models/manifest-schema.ts'
import { schemaProblems } from '../models/schema-problems.ts'

/** The fields of a manifest that a person may write, none of which is needed. */
const aboutSchema = z.partial(
  z.pick(z.strictObject(anyManifest), { name: true, description: true, source: true, metrics: true }),
)

/**
 * Checks what a person says about a model.
 * @param path the file that it is from, for messages
 * @throws VertebraError `INVALID_ARGUMENT` that names every field that is wrong
 */
export function parseAbout(value: unknown, path: string): About {
  const result = aboutSchema.safeParse(value)
  if (result.success) return result.data
  throw new VertebraError(
    'INVALID_ARGUMENT',
    `Expected name, description, source and metrics of a model in ${path}: ${schemaProblems(aboutSchema, value).join('; ')}.`,
    { value },
  )
}

/** The name of a model that is nowhere given: its folder's, in the letters that a name may have. */
export function nameOf(folder: string): Pick<About, 'name'> {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
  return name === '' ? {} : { name }
}
