import { stat } from 'node:fs/promises'
import { relative } from 'node:path'
import { Command } from 'commander'
import { levelsOf } from '../detector/backbone.ts'
import { unexpected } from '../errors.ts'
import { expandSources } from '../images/sources.node.ts'
import { loadBackbone } from '../load/node.ts'
import type { DeviceChoice } from '../runtime/runtime.ts'
import { createIndex, type Neighbour, nearestOfEach } from '../similar/search-index.ts'
import { vectorSource } from '../similar/vector-source.ts'
import { eachPicture, reportFailures } from './each-picture.ts'
import { json } from './json.ts'
import { deviceOption, modelOption, threadsOption, wholeNumber } from './options.ts'
import { progressBar } from './progress-bar.ts'
import { openVectors } from './similar-vectors.ts'
import { printable } from './text-table.ts'

interface SimilarFlags {
  readonly model: string
  readonly level?: string
  readonly top: number
  readonly index?: string
  readonly json?: boolean
  readonly device: DeviceChoice
  readonly threads?: number
}

export function similarCommand(signal: AbortSignal): Command {
  return new Command('similar')
    .description('find the pictures that look most like one')
    .argument(
      '<pictures...>',
      'the query, or several before a folder; then what is searched: files, folders, globs, URLs',
    )
    .addOption(modelOption())
    .option('-l, --level <name>', "the level whose mean is compared (default: the backbone's last, such as c5)")
    .option('-k, --top <n>', 'neighbours of each query', wholeNumber(1), 10)
    .option('--index <file>', 'keep the vectors in this file: only new and changed pictures go through the network')
    .option('--json', 'print JSON')
    .addOption(deviceOption())
    .addOption(threadsOption())
    .addHelpText(
      'after',
      `
Queries are the pictures before the first folder or glob; where there is none, the first picture. - is a picture from standard
input. With --index and nothing to search, the pictures of the index are searched.

Examples:
  vertebra similar cat.jpg photos/
  vertebra similar cat.jpg dog.jpg photos/ --top 3 --json
  vertebra similar cat.jpg photos/ --index photos.index
  vertebra similar cat.jpg --index photos.index

Exit codes: 0 all pictures done, 1 some failed (the others are done), 2 wrong usage,
130 interrupted (SIGTERM 143, SIGHUP 129).`,
    )
    .action(async (pictures: string[], flags: SimilarFlags) => {
      process.exitCode = await similar(pictures, flags, signal)
    })
}

async function similar(given: readonly string[], flags: SimilarFlags, signal: AbortSignal): Promise<number> {
  const [first, rest] = await queriesAndRest(given)
  const asked = await expandSources(first)
  const named = rest.length > 0 ? await expandSources(rest) : undefined
  const vectors = await openVectors(flags.index, signal)
  if (named === undefined && !vectors.isKept) {
    throw unexpected('the pictures to search', 'files or a folder, or an --index that is there', given)
  }
  const failures = [...asked.problems, ...(named?.problems ?? [])].map((problem) => problem.message)
  const bar = progressBar('pictures')
  const start = performance.now()
  const searched = new Map<string, Float32Array>()
  const queries: { query: string; vector: Float32Array }[] = []
  try {
    await using backbone = await loadBackbone(flags.model, { ...flags, signal, onProgress: bar.update })
    const { manifest } = backbone
    const source = vectorSource(manifest, checkedLevel(levelsOf(manifest), flags.level))
    vectors.check(source)
    const embed = (input: string | Uint8Array): Promise<Float32Array> =>
      backbone.embed(input, { level: source.level, signal })
    try {
      const images = named?.images ?? vectors.paths()
      failures.push(
        ...(await eachPicture(images, 'embed', bar, signal, async (image) => {
          searched.set(image, await vectors.of(image, embed, { keep: true }))
        })),
        ...(await eachPicture(asked.images, 'query', bar, signal, async (query) => {
          queries.push({ query, vector: searched.get(query) ?? (await vectors.of(query, embed, { keep: false })) })
        })),
      )
    } finally {
      // What was embedded before an interruption is kept, too.
      bar.clear()
      await vectors.save(source)
    }
    const results = neighbours(queries, searched, flags.top)
    const { model, level } = source
    process.stdout.write(flags.json ? json({ model, level, results }) : results.map(resultText).join(''))
  } finally {
    bar.clear()
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const count = searched.size
  process.stderr.write(
    `${count} picture${count === 1 ? '' : 's'} searched, ${vectors.embedded} sent through the network, ${seconds} s\n`,
  )
  reportFailures(failures)
  return failures.length > 0 ? 1 : 0
}

interface QueryResult {
  readonly query: string
  readonly neighbours: readonly { readonly file: string; readonly similarity: number }[]
}

/** A query is not among its own neighbours. */
function neighbours(
  queries: readonly { readonly query: string; readonly vector: Float32Array }[],
  searched: ReadonlyMap<string, Float32Array>,
  top: number,
): QueryResult[] {
  const index = createIndex([...searched.keys()], [...searched.values()])
  const found = nearestOfEach(
    index,
    queries.map(({ vector }) => vector),
    { top: top + 1 },
  )
  return queries.map(({ query }, i) => ({
    query,
    neighbours: (found[i] as Neighbour[])
      .filter(({ name }) => relative(name, query) !== '')
      .slice(0, top)
      .map(({ name, similarity }) => ({ file: name, similarity: Number(similarity.toFixed(6)) })),
  }))
}

function resultText({ query, neighbours }: QueryResult): string {
  const lines = neighbours.map(({ file, similarity }) => `  ${similarity.toFixed(3).padStart(6)}  ${printable(file)}\n`)
  return `${printable(query)}\n${lines.join('')}`
}

/** What stands before the first folder or glob are queries, at least one. */
async function queriesAndRest(given: readonly string[]): Promise<[queries: string[], rest: string[]]> {
  let count = given.length
  for (const [i, source] of given.entries()) {
    const entry = await stat(source).catch(() => undefined)
    if (entry?.isDirectory() || (entry === undefined && /[*?[\]{}()!]/.test(source) && !source.includes('://'))) {
      count = i
      break
    }
  }
  const queries = count === given.length ? 1 : Math.max(1, count)
  return [given.slice(0, queries), given.slice(queries)]
}

function checkedLevel(levels: readonly { readonly name: string }[], level: string | undefined): string | undefined {
  const names = levels.map(({ name }) => name)
  if (level === undefined || names.includes(level)) return level
  throw unexpected('--level', `one of ${names.join(', ')}`, level)
}
