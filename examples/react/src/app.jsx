import { useEffect, useRef, useState } from 'react'
import { createOverlay } from 'vertebra/draw'
import { closeCamera, openCamera } from 'vertebra/view'
import { useDetections } from './use-detections.js'

/** The package @vertebra/resnet101-voc, as the page's server shows it (vite.config.js). */
const MODEL = '/resnet101-voc/'

export function App() {
  const video = useRef(null)
  const [isOn, setOn] = useState(false)
  const { problem, play } = useCamera(video, isOn)
  const { result, progress, error } = useDetections(MODEL, play, { minScore: 0.5, track: true })
  useOverlay(video, play, result)

  return (
    <main>
      <button type="button" onClick={() => setOn(!isOn)}>
        {isOn ? 'Stop' : 'Start'} camera
      </button>
      <p role="status">{problem ?? error?.message ?? result?.device.reason ?? progress}</p>
      <div style={{ maxWidth: '40rem' }}>
        <video ref={video} muted playsInline style={{ display: 'block', width: '100%' }} />
      </div>
    </main>
  )
}

/** Opens the camera while `isOn`; gives the video once it plays. */
function useCamera(video, isOn) {
  const [state, setState] = useState({})
  useEffect(() => {
    if (!isOn) return
    const closing = new AbortController()
    const { signal } = closing
    async function open() {
      const camera = await openCamera({ signal })
      signal.addEventListener('abort', () => closeCamera(camera))
      video.current.srcObject = camera
      await video.current.play()
      setState({ play: video.current })
    }
    open().catch((error) => {
      if (!signal.aborted) setState({ problem: error.message })
    })
    return () => {
      closing.abort()
      setState({})
    }
  }, [video, isOn])
  return state
}

function useOverlay(video, play, result) {
  const overlay = useRef(null)
  useEffect(() => {
    if (!play) return
    overlay.current = createOverlay(play, video.current.parentElement)
    return () => overlay.current.stop()
  }, [video, play])
  useEffect(() => {
    if (result) overlay.current?.update(result)
  }, [result])
}
