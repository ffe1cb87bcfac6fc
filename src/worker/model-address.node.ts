import { fileURLToPath } from 'node:url'
import { unexpected } from '../errors.ts'

/**
 * A model's name, path or URL in words that another thread or process can take.
 * @throws VertebraError `INVALID_ARGUMENT` for anything else.
 */
export function modelAddress(model: string | URL): string {
  if (typeof model === 'string' && model !== '' && !/^(https?|file):/i.test(model)) return model
  try {
    const url = new URL(model)
    if (url.protocol === 'file:') return fileURLToPath(url)
    if (/^https?:$/.test(url.protocol)) return url.href
  } catch {
    // Refused below.
  }
  const forms = 'the name of an installed model, the path of a model folder, or a file:, http: or https: URL'
  throw unexpected('model', forms, model)
}
