import { messageOf, VertebraError } from '../errors.ts'

/** What a person is told when something went wrong: what it was, and what can be done. */
export function wordsFor(error: unknown): string {
  if (!(error instanceof VertebraError)) return `Something went wrong: ${messageOf(error)}`
  if (error.code === 'MODEL_NOT_FOUND') return `The model was not found. ${error.message}`
  if (error.code === 'MODEL_CORRUPT') return `The model arrived damaged. ${error.message}`
  if (error.code === 'OUT_OF_MEMORY') return `There is not enough memory for this here. ${error.message}`
  return error.message
}

/** Bytes as a person reads them: `12.3 of 47.8 MB`. */
export function bytesInWords(done: number, total: number): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  return `${megabytes(done)} of ${megabytes(total)} MB`
}
