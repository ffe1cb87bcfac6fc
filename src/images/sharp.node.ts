import type sharp from 'sharp'
import { messageOf, VertebraError } from '../errors.ts'

/**
 * The package sharp, loaded when it is first needed.
 *
 * @throws VertebraError `DEPENDENCY_MISSING` when it is not installed or does not load on this machine.
 */
export async function loadSharp(): Promise<typeof sharp> {
  try {
    return (await import('sharp')).default
  } catch (cause) {
    const reason = messageOf(cause).split('\n')[0]
    throw new VertebraError(
      'DEPENDENCY_MISSING',
      `Expected the package sharp to read and write pictures but it did not load (${reason}); run: npm install sharp`,
      { cause },
    )
  }
}
