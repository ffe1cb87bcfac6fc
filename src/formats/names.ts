import { unexpected } from '../errors.ts'

/** The last part of a path with `/` or `\`, without its extension. */
export function stemOf(file: string): string {
  const name = baseName(file)
  const dot = name.lastIndexOf('.')
  return dot > 0 ? name.slice(0, dot) : name
}

/** The last part of a path with `/` or `\`. */
export function baseName(file: string): string {
  return file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)
}

/** A number with at most `digits` decimals, so that files stay short; -0 becomes 0. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits)) + 0
}

/**
 * A name for each file: what `nameOf` gives, or where two different files would share one, each file as given.
 */
export function distinctNames<Name>(
  files: readonly string[],
  nameOf: (file: string) => Name,
): (file: string) => Name | string {
  const different = new Set(files)
  const names = new Set([...different].map(nameOf))
  return names.size === different.size ? nameOf : (file) => file
}

/** @throws VertebraError `DATA_INVALID` unless `name` can be part of a file's name, so that no folder is left by it. */
export function requireNameInFolder(what: string, name: string): void {
  if (!/^(?!\.\.?$)[^/\\]+$/.test(name)) {
    throw unexpected(what, 'a name without "/" and "\\" that is not "." or ".."', name, 'DATA_INVALID')
  }
}
