/** What `JSON.parse` does not say about a text: see {@link inspectJson}. */
export interface JsonFacts {
  /** The first key that is twice in one object; `JSON.parse` silently keeps its last value. */
  readonly duplicateKey: string | undefined
  /** Levels of nesting: 1 for `{}`. */
  readonly depth: number
}

/** Finds a duplicate key and the nesting depth of `json`, which must be valid JSON. Linear in its length. */
export function inspectJson(json: string): JsonFacts {
  // One entry per open bracket: the keys of an object, nothing for an array.
  const open: (Set<string> | undefined)[] = []
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (character === '{' || character === '[')
      depth = Math.max(depth, open.push(character === '{' ? new Set() : undefined))
    else if (character === '}' || character === ']') open.pop()
    else if (character === '"') {
      const start = i
      for (i++; json[i] !== '"'; i++) if (json[i] === '\\') i++
      let next = i + 1
      while (' \t\r\n'.includes(json.charAt(next)) && next < json.length) next++
      if (json[next] !== ':') continue
      const key: string = JSON.parse(json.slice(start, i + 1))
      const keys = open.at(-1)
      if (keys?.has(key)) return { duplicateKey: key, depth }
      keys?.add(key)
    }
  }
  return { duplicateKey: undefined, depth }
}
