import { VertebraError } from '../errors.ts'

/**
 * What means nothing where it is given is a mistake, not to be passed over.
 *
 * @param where the words after `Expected no --name`.
 * @throws VertebraError `INVALID_ARGUMENT` that names the first of them.
 */
export function refuseFlags<Flags extends object>(
  flags: Flags,
  names: readonly (keyof Flags & string)[],
  where: string,
): void {
  const given = names.find((name) => flags[name] !== undefined)
  if (given !== undefined) throw new VertebraError('INVALID_ARGUMENT', `Expected no --${given} ${where}.`)
}
