import { useEffect, useState } from 'react'
import { loadDetector } from 'vertebra'

/**
 * What a detector sees in a video, frame after frame.
 *
 * @param model a name or URL; the detector is loaded once and freed with the component.
 * @param video an element that plays, or undefined to rest.
 * @param options of `detector.stream`; numbers and flags only, so that the same options are the same text.
 * @returns {{ result?: object, progress?: string, error?: Error }} the newest frame's result.
 */
export function useDetections(model, video, options) {
  const [detector, setDetector] = useState()
  const [state, setState] = useState({})
  const key = JSON.stringify(options)

  useEffect(() => {
    const leaving = new AbortController()
    const { signal } = leaving
    const onProgress = ({ phase, done, total }) => setState({ progress: `${phase}: ${done} of ${total}` })
    const loading = loadDetector(model, { signal, onProgress })
    loading.then(
      (loaded) => signal.aborted || setDetector(loaded),
      (error) => signal.aborted || setState({ error }),
    )
    return () => {
      leaving.abort()
      setDetector(undefined)
      loading.then(
        (loaded) => loaded.dispose(),
        () => undefined,
      )
    }
  }, [model])

  useEffect(() => {
    if (!detector || !video) return
    const leaving = new AbortController()
    const { signal } = leaving
    async function watch() {
      for await (const result of detector.stream(video, { ...JSON.parse(key), signal })) setState({ result })
    }
    watch().catch((error) => signal.aborted || setState({ error }))
    return () => leaving.abort()
  }, [detector, video, key])

  return state
}
