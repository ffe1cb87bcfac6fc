// The models that can be chosen, and the detectors of those that are.
import { loadDetector } from 'vertebra'

export async function listModels() {
  const answer = await fetch('/models/index.json')
  if (!answer.ok) throw new Error(`The list of models could not be read: the server answered ${answer.status}.`)
  return answer.json()
}

const loaded = new Map()

/** @param onBytes hears how far the download of all the model's files is. */
export function detectorOf({ name, bytes }, onBytes) {
  let detector = loaded.get(name)
  if (!detector) {
    const files = new Map()
    const onProgress = ({ phase, done, item }) => {
      if (phase !== 'download') return
      files.set(item, done)
      onBytes({ done: [...files.values()].reduce((sum, file) => sum + file, 0), total: bytes })
    }
    detector = loadDetector(name, { onProgress })
    loaded.set(name, detector)
    detector.catch(() => loaded.delete(name))
  }
  return detector
}

/** Frees the memory of those that are not in use. */
export function keepOnly(names) {
  for (const [name, detector] of loaded) {
    if (names.includes(name)) continue
    loaded.delete(name)
    detector.then(
      (unused) => unused.dispose(),
      () => undefined,
    )
  }
}
