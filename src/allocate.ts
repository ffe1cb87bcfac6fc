import { VertebraError } from './errors.ts'

/**
 * Memory for what is about to be read or written.
 * @param what whose bytes they are, for the message.
 * @throws VertebraError `OUT_OF_MEMORY`
 */
export function allocate(bytes: number, what: string): Uint8Array {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    const message = `There was not enough memory for the ${bytes} bytes of ${what}.`
    throw new VertebraError('OUT_OF_MEMORY', message, { cause })
  }
}
