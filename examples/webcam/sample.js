// A video made here: a canvas that pans slowly over photos.

const WIDTH = 640
const HEIGHT = 480
const SECONDS_PER_PHOTO = 8
/** How much larger than the canvas a photo is shown, so that there is room to pan. */
const ZOOM = 1.1

export async function openSample(urls) {
  const photos = await Promise.all(urls.map(loadPhoto))
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  const context = canvas.getContext('2d')
  const stream = canvas.captureStream(30)
  const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)')
  let request = requestAnimationFrame(draw)

  function draw(now) {
    const turn = now / 1000 / SECONDS_PER_PHOTO
    const photo = photos[Math.floor(turn) % photos.length]
    // There and back again, so that it never jumps within a photo.
    const way = reducedMotion.matches ? 0 : Math.sin((turn % 1) * Math.PI)
    const scale =
      Math.max(WIDTH / photo.naturalWidth, HEIGHT / photo.naturalHeight) * (reducedMotion.matches ? 1 : ZOOM)
    const width = photo.naturalWidth * scale
    const height = photo.naturalHeight * scale
    context.drawImage(photo, (WIDTH - width) * way, (HEIGHT - height) * (1 - way) * 0.5, width, height)
    request = requestAnimationFrame(draw)
  }

  return {
    stream,
    close() {
      cancelAnimationFrame(request)
      for (const track of stream.getTracks()) track.stop()
    },
  }
}

async function loadPhoto(url) {
  const photo = new Image()
  photo.src = url
  await photo.decode()
  return photo
}
