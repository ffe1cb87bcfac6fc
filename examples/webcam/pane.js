// One model's view: the picture with its boxes, what runs, and how long each stage takes.
import { createOverlay } from 'vertebra/draw'

export function createPane(name) {
  const element = document.createElement('figure')
  element.className = 'pane'
  element.dataset.model = name
  element.innerHTML = `
    <div class="stage"><canvas class="still media" hidden></canvas><div class="waiting"><p></p><progress aria-label="Download of the model" hidden></progress></div></div>
    <figcaption>
      <div class="title"><strong></strong><span class="rate"></span></div>
      <dl class="stages"></dl>
      <p class="device"></p>
      <p class="still-hint" hidden>The picture stands still while the model looks at it.</p>
    </figcaption>`
  const find = (selector) => element.querySelector(selector)
  const stage = find('.stage')
  const still = find('.still')
  const waiting = find('.waiting')
  const bar = find('progress')
  const rate = find('.rate')
  find('strong').textContent = name
  const finished = []
  let overlay

  function setMedia(media, { isMirrored, size, isAnnounced }) {
    media.classList.add('media')
    for (const layer of [media, still]) layer.classList.toggle('mirrored', isMirrored)
    stage.style.aspectRatio = `${size.width} / ${size.height}`
    stage.prepend(media)
    overlay = createOverlay(media, stage, { mirrored: isMirrored, announce: isAnnounced })
  }

  return {
    element,
    setMedia,
    /** Lays a frame over the video, or takes it away. */
    showStill(frame) {
      still.hidden = find('.still-hint').hidden = frame === undefined
      if (!frame) return
      Object.assign(still, { width: frame.width, height: frame.height })
      still.getContext('2d').drawImage(frame, 0, 0)
    },
    wait(words, bytes) {
      waiting.hidden = false
      waiting.querySelector('p').textContent = words
      bar.hidden = bytes === undefined
      if (bytes) Object.assign(bar, { max: bytes.total, value: bytes.done })
    },
    setDevice(words) {
      find('.device').textContent = words
    },
    /** @param result with the detections that are to be seen. */
    show(result) {
      waiting.hidden = true
      overlay.update(result)
    },
    showHeat: (map) => overlay.showHeat(map),
    count({ times, device }) {
      finished.push(performance.now())
      if (finished.length > 8) finished.shift()
      const total = Object.values(times).reduce((sum, time) => sum + time, 0)
      const seconds = (finished.at(-1) - finished[0]) / 1000
      const perSecond = seconds > 0 ? `${((finished.length - 1) / seconds).toFixed(1)} frames a second · ` : ''
      rate.textContent = `${perSecond}${milliseconds(total)}`
      find('.device').textContent = device.reason
      showStages(find('.stages'), times, total)
    },
    close() {
      overlay?.stop()
      element.remove()
    },
  }
}

function showStages(list, times, total) {
  if (list.children.length === 0) {
    for (const stage of Object.keys(times)) {
      const row = document.createElement('div')
      row.innerHTML = '<dt></dt><dd></dd>'
      row.firstChild.textContent = stage
      list.append(row)
    }
  }
  for (const [i, time] of Object.values(times).entries()) {
    const row = list.children[i]
    row.lastChild.textContent = milliseconds(time)
    row.style.setProperty('--share', `${(100 * time) / total}%`)
  }
}

function milliseconds(time) {
  return `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`
}
