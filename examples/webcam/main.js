import { createClassList } from './classes.js'
import { detectorOf, keepOnly, listModels } from './detectors.js'
import { createPane } from './pane.js'
import { listCameras, openSource } from './sources.js'
import { watchLive, watchStill } from './watch.js'

const find = (selector) => document.querySelector(selector)
const form = find('#controls')
const panes = find('#panes')
const message = find('#message')
const classes = createClassList(showAgain)
const last = new Map()
let models = []
let opened
let run = new AbortController()

const chosenSource = () => form.elements.source.value
// Each model takes hundreds of megabytes: together are the backbones, not also their int8 forms.
const backbones = () => models.filter(({ isInt8 }) => !isInt8)
const chosenModels = () => {
  const { value } = form.elements.model
  return value === 'together' ? backbones() : models.filter(({ name }) => name === value)
}

/** Ends what runs and begins anew with what is chosen. */
async function restart() {
  run.abort()
  run = new AbortController()
  const { signal } = run
  say('')
  last.clear()
  closeSource()
  const isWaiting = chosenSource() === 'file' && find('#file').files.length === 0
  if (isWaiting || document.hidden) return
  const open = []
  signal.addEventListener('abort', () => {
    for (const pane of open) pane.close()
  })
  try {
    const chosen = chosenModels()
    keepOnly(chosen.map(({ name }) => name))
    for (const { name } of chosen) open.push(createPane(name))
    panes.append(...open.map(({ element }) => element))
    for (const pane of open) pane.wait(chosenSource() === 'camera' ? 'Waiting for the camera …' : 'Opening …')
    const source = await openSource(
      { source: chosenSource(), camera: find('#camera').value, file: find('#file').files[0] },
      signal,
    )
    if (signal.aborted) {
      source.close()
      return
    }
    opened = source
    source.track?.addEventListener('ended', () => fail(new Error('The camera stopped: it may have been unplugged.')), {
      signal,
    })
    if (source.camera) await offerCameras(source.camera)
    const size = sizeOf(source.element)
    for (const [i, pane] of open.entries()) {
      // The video is in one place; the others show its frames. And two voices at once are none.
      const media = i === 0 ? source.element : Object.assign(document.createElement('canvas'), size)
      pane.setMedia(media, { isMirrored: source.isMirrored, size, isAnnounced: i === 0 })
    }
    const detectors = await Promise.all(chosen.map((model, i) => load(model, open[i])))
    if (signal.aborted) return
    classes.offer([...new Set(detectors.flatMap(({ labels }) => labels))])
    offerLevels(detectors)
    for (const [i, pane] of open.entries()) {
      pane.wait('Looking at the first frame …')
      pane.setDevice(detectors[i].device.reason)
    }
    const watchers = open.map((pane, i) => {
      return { pane, detector: detectors[i], getLevel: () => find('#level').value }
    })
    const isPicture = source.element instanceof HTMLImageElement
    if (open.length > 1 || !isPicture) await watchStill(watchers, source.element, signal, onResult)
    if (open.length === 1 && !signal.aborted) await watchLive(watchers[0], source.element, signal, onResult)
  } catch (error) {
    if (!signal.aborted) fail(error)
  }
}

function fail(error) {
  run.abort()
  closeSource()
  say(error.message)
}

function load(model, pane) {
  pane.wait('Loading the model …')
  return detectorOf(model, (bytes) => {
    const [done, total] = [bytes.done, bytes.total].map((count) => (count / 1e6).toFixed(1))
    pane.wait(`Loading the model: ${done} of ${total} MB`, bytes)
  })
}

function onResult(pane, result) {
  last.set(pane, result)
  pane.count(result)
  show(pane, result)
}

function show(pane, result) {
  const lowest = Number(find('#score').value)
  const detections = result.detections.filter(({ score, label }) => score >= lowest && classes.shows(label))
  pane.show({ ...result, detections })
}

/** A setting of what is shown acts at once, however slow the model is. */
function showAgain() {
  find('#score-value').value = Number(find('#score').value).toFixed(2)
  for (const [pane, result] of last) show(pane, result)
}

function closeSource() {
  opened?.close()
  opened = undefined
}

function say(words) {
  message.textContent = words
  message.hidden = words === ''
}

function sizeOf(element) {
  const isPicture = element instanceof HTMLImageElement
  return isPicture
    ? { width: element.naturalWidth, height: element.naturalHeight }
    : { width: element.videoWidth, height: element.videoHeight }
}

async function offerCameras(chosen) {
  const cameras = await listCameras()
  find('#camera').replaceChildren(
    ...cameras.map(
      ({ label, deviceId }, i) => new Option(label || `Camera ${i + 1}`, deviceId, false, deviceId === chosen),
    ),
  )
  find('#camera-choice').hidden = cameras.length < 2
}

/** The levels that every chosen model has. */
function offerLevels(detectors) {
  const select = find('#level')
  const [first, ...others] = detectors.map(({ backbone }) => backbone.features)
  const shared = first.filter(({ name }) => others.every((features) => features.some((level) => level.name === name)))
  const kept = shared.some(({ name }) => name === select.value) ? select.value : ''
  select.replaceChildren(
    new Option('none', ''),
    ...shared.map(({ name, channels, stride }) => new Option(`${name}: ${channels} channels, stride ${stride}`, name)),
  )
  select.value = kept
}

function offerModels() {
  const choices = models.map(({ name, architecture }) => [name, architecture])
  if (backbones().length > 1) choices.push(['together', 'the backbones side by side, on the same frame'])
  find('#models').replaceChildren(
    ...choices.map(([value, about], i) => {
      const label = document.createElement('label')
      const radio = Object.assign(document.createElement('input'), {
        type: 'radio',
        name: 'model',
        value,
        checked: i === 0,
      })
      const words = document.createElement('span')
      const small = document.createElement('small')
      small.textContent = about
      words.append(value === 'together' ? 'Together' : value, small)
      label.append(radio, words)
      return label
    }),
  )
}

form.addEventListener('change', ({ target }) => {
  if (target.name === 'source') {
    find('#file-choice').hidden = chosenSource() !== 'file'
    if (chosenSource() !== 'camera') find('#camera-choice').hidden = true
  }
  if (target.name === 'source' || target.name === 'model' || target.matches('#file, #camera')) void restart()
  // A picture is looked at once: another level needs another look.
  else if (target.id === 'level' && opened?.element instanceof HTMLImageElement) void restart()
})
form.addEventListener('submit', (event) => event.preventDefault())
find('#score').addEventListener('input', showAgain)
// Nobody can see the page: the camera's light goes off, and on again when they come back.
document.addEventListener('visibilitychange', () => {
  if (chosenSource() === 'camera') void restart()
})
window.addEventListener('pagehide', closeSource)

showAgain()
try {
  models = await listModels()
  if (models.length === 0) throw new Error('There is no model in the folder models/.')
  offerModels()
  await restart()
} catch (error) {
  say(error.message)
}
