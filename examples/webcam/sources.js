// What the page looks at: a camera, a file, or the sample. Each gives an element to show and a way to let go of it.
import { closeCamera, openCamera } from 'vertebra/view'
import { openSample } from './sample.js'

const SAMPLE_PHOTOS = ['/photos/cat.jpg', '/photos/astronaut.jpg']

export async function openSource({ source, camera, file }, signal) {
  if (source === 'camera') return openCameraSource(camera, signal)
  if (source === 'file') return file.type.startsWith('image/') ? openPicture(file) : openVideoFile(file)
  const { stream, close } = await openSample(SAMPLE_PHOTOS)
  return { element: await play({ srcObject: stream }), isMirrored: false, close }
}

/** Cameras have names only once the person has allowed one. */
export async function listCameras() {
  const devices = await navigator.mediaDevices.enumerateDevices()
  return devices.filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId !== '')
}

async function openCameraSource(camera, signal) {
  const stream = await openCamera({ camera, signal })
  const [track] = stream.getVideoTracks()
  const { facingMode, deviceId } = track.getSettings()
  return {
    element: await play({ srcObject: stream }),
    isMirrored: facingMode !== 'environment',
    camera: deviceId,
    track,
    close: () => closeCamera(stream),
  }
}

async function openPicture(file) {
  const element = new Image()
  element.alt = file.name
  element.src = URL.createObjectURL(file)
  const close = () => URL.revokeObjectURL(element.src)
  try {
    await element.decode()
  } catch {
    close()
    throw new Error(`${file.name} is not a picture that this browser can show.`)
  }
  return { element, isMirrored: false, close }
}

async function openVideoFile(file) {
  const src = URL.createObjectURL(file)
  try {
    const element = await play({ src, loop: true })
    return {
      element,
      isMirrored: false,
      close() {
        element.removeAttribute('src')
        element.load()
        URL.revokeObjectURL(src)
      },
    }
  } catch {
    URL.revokeObjectURL(src)
    throw new Error(`${file.name} is not a picture or video that this browser can show.`)
  }
}

async function play(properties) {
  const video = document.createElement('video')
  Object.assign(video, { muted: true, playsInline: true, ...properties })
  await video.play()
  return video
}
