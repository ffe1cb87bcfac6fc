import { VertebraError } from '../src/errors.ts'

/** `CODE: message` of the VertebraError that some work throws, or `no error`. Any other error fails the test. */
export async function errorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof VertebraError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'no error'
}
