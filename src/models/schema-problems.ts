import type { core, ZodMiniType } from 'zod/mini'
import { describe } from '../errors.ts'

/** How many problems a message lists: a file of another kind would have them all. */
const SHOWN = 8

/** What is wrong with a value that a schema refused, one `path: reason` for each field. */
export function schemaProblems(schema: ZodMiniType, value: unknown): string[] {
  const { error } = schema.safeParse(value, { error: reason })
  return (error?.issues ?? [])
    .slice(0, SHOWN)
    .map(({ path, message }) => `${path.length === 0 ? 'the whole' : path.map(String).join('.')}: ${message}`)
}

/** zod/mini brings no words of its own; its English ones, for kinds that no schema here has, too, are larger than a page's part of it. */
function reason(issue: core.$ZodRawIssue): string {
  return issue.code === 'unrecognized_keys'
    ? `no such field: ${issue.keys?.map(describe).join(', ')}`
    : `expected ${wanted(issue)} but received ${describe(issue.input)}`
}

function wanted(issue: core.$ZodRawIssue): string {
  const bound = issue.origin === 'array' ? ' items' : ''
  switch (issue.code) {
    case 'invalid_type':
      return String(issue.expected)
    case 'invalid_value':
      return `${issue.values?.map(describe).join(' or ')}`
    case 'invalid_union':
      return `${(issue.options as unknown[] | undefined)?.map(describe).join(' or ')}`
    case 'too_small':
      return `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${bound}`
    case 'too_big':
      return `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${bound}`
    default:
      return `what fits ${issue.pattern ?? issue.code}`
  }
}
