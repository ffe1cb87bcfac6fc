import type { Size } from '../boxes/boxes.ts'
import { checkFraction } from '../checks.ts'
import { VertebraError } from '../errors.ts'
import { type AnnouncerOptions, createAnnouncer } from './announcer.web.ts'
import { drawOnCanvas } from './canvas.ts'
import { createGlide, type TrackableDetection } from './glide.ts'
import { heatLayer, type PlacedFeatureMap } from './heat-layer.web.ts'
import type { DrawOptions, Rectangle } from './layout.ts'
import { fitPicture } from './object-fit.ts'

/** What an overlay can lie over. */
export type OverlayMedia = HTMLVideoElement | HTMLImageElement | HTMLCanvasElement

/** `lineWidth` and `fontSize` are in CSS pixels. */
export interface OverlayOptions extends DrawOptions {
  /** Whether the page shows the media mirrored (`transform: scaleX(-1)`), as is usual for a camera that faces the person. */
  readonly mirrored?: boolean | undefined
  /** Whether a live region says what is seen, and how. Default true. */
  readonly announce?: boolean | AnnouncerOptions | undefined
  /** How much of the heat of a feature map covers the picture, 0 to 1. Default 0.65. */
  readonly heatOpacity?: number | undefined
}

/** What an overlay shows: the part of a result of `detect` or `stream` that drawing needs. */
export interface OverlayResult extends Size {
  readonly detections: readonly TrackableDetection[]
}

/** Boxes, labels and heat over a video or picture. */
export interface Overlay {
  readonly canvas: HTMLCanvasElement
  /** Shows a result. Boxes with a `trackId` glide to their new place. */
  update(result: OverlayResult): void
  /** Lays a feature map over the picture, below the boxes; without one the heat goes away. */
  showHeat(map?: PlacedFeatureMap): void
  /** Shows nothing until the next `update`. */
  clear(): void
  /** Ends drawing and listening, and removes what was put into the page. */
  stop(): void
}

/**
 * Lays a canvas over a video, picture or canvas and keeps it there: sharp on any screen, whatever the size, `object-fit` and
 * `object-position` of the media. It draws at the screen's own rate while boxes move, whatever the detector does, and not at
 * all while nothing changes.
 *
 * @param target an element around the media, which gets a canvas of the media's place and size (and `position: relative`
 * where it has none); or a canvas that the page has laid over the media itself.
 * @throws VertebraError `INVALID_ARGUMENT`; `OUT_OF_MEMORY` when the browser gives no canvas.
 * @example
 * const overlay = createOverlay(video, video.parentElement, { mirrored: true })
 * for await (const result of detector.stream(video, { track: true })) overlay.update(result)
 * overlay.stop()
 */
export function createOverlay(media: OverlayMedia, target: HTMLElement, options: OverlayOptions = {}): Overlay {
  const { mirrored = false, announce = true, heatOpacity = 0.65 } = options
  checkFraction('heatOpacity', heatOpacity)
  const isOwn = !(target instanceof HTMLCanvasElement)
  const canvas = isOwn ? document.createElement('canvas') : target
  const context = canvas.getContext('2d')
  if (!context) throw new VertebraError('OUT_OF_MEMORY', 'The browser gave no 2D context for the overlay.')
  canvas.setAttribute('aria-hidden', 'true')
  if (isOwn) {
    canvas.style.cssText = 'position:absolute;pointer-events:none'
    if (getComputedStyle(target).position === 'static') target.style.position = 'relative'
    target.append(canvas)
  }
  const region = canvas.parentElement ?? canvas.getRootNode()
  const announcer =
    announce === false || !(region instanceof Element || region instanceof ShadowRoot)
      ? undefined
      : createAnnouncer(region, announce === true ? {} : announce)
  const glide = createGlide()
  const ends = new AbortController()
  const { signal } = ends
  let picture: Size | undefined
  let heat: HTMLCanvasElement | undefined
  let request: number | undefined

  function draw(now: number): void {
    request = undefined
    if (!context) return
    const element = place()
    const ratio = devicePixelRatio
    const [columns, rows] = [Math.round(element.width * ratio), Math.round(element.height * ratio)]
    if (canvas.width !== columns) canvas.width = columns
    if (canvas.height !== rows) canvas.height = rows
    context.reset()
    if (picture === undefined || element.width === 0 || element.height === 0) return
    const { objectFit, objectPosition } = getComputedStyle(media)
    const fitted = fitPicture(element, picture, objectFit, objectPosition)
    const shown = mirrored ? { ...fitted, x: element.width - fitted.x - fitted.width } : fitted
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    if (heat) drawHeat(context, heat, shown, heatOpacity, mirrored)
    const { detections, isMoving } = glide.at(now)
    drawBoxes(context, element, picture, shown, mirrored, detections, options)
    if (isMoving) redraw()
  }

  /** Sets the canvas over the media, and gives its size in CSS pixels. */
  function place(): Size {
    const { clientWidth: width, clientHeight: height } = isOwn ? media : canvas
    if (isOwn) {
      const { style } = canvas
      style.left = `${media.offsetLeft + media.clientLeft}px`
      style.top = `${media.offsetTop + media.clientTop}px`
      style.width = `${width}px`
      style.height = `${height}px`
    }
    return { width, height }
  }

  function redraw(): void {
    if (!signal.aborted) request ??= requestAnimationFrame(draw)
  }

  const observer = new ResizeObserver(redraw)
  observer.observe(media)
  observer.observe(isOwn ? target : canvas)
  for (const type of ['resize', 'loadedmetadata', 'load']) media.addEventListener(type, redraw, { signal })
  // Another screen, or another zoom.
  window.addEventListener('resize', redraw, { signal })

  return {
    canvas,
    update({ width, height, detections }) {
      if (signal.aborted) return
      picture = { width, height }
      glide.update(detections, performance.now())
      announcer?.update(detections)
      redraw()
    },
    showHeat(map) {
      heat = map === undefined ? undefined : heatLayer(map)
      if (map !== undefined) picture ??= { width: map.placement.width, height: map.placement.height }
      redraw()
    },
    clear() {
      picture = undefined
      heat = undefined
      glide.update([], performance.now())
      redraw()
    },
    stop() {
      ends.abort()
      observer.disconnect()
      if (request !== undefined) cancelAnimationFrame(request)
      announcer?.stop()
      if (isOwn) canvas.remove()
      else context.reset()
    },
  }
}

function drawHeat(
  context: CanvasRenderingContext2D,
  heat: HTMLCanvasElement,
  { x, y, width, height }: Rectangle,
  opacity: number,
  mirrored: boolean,
): void {
  context.save()
  context.globalAlpha = opacity
  if (mirrored) {
    context.translate(x + width, y)
    context.scale(-1, 1)
  } else context.translate(x, y)
  context.drawImage(heat, 0, 0, width, height)
  context.restore()
}

/** Labels and lines keep to the part of the picture that can be seen, and are as large as text on the page. */
function drawBoxes(
  context: CanvasRenderingContext2D,
  element: Size,
  picture: Size,
  shown: Rectangle,
  mirrored: boolean,
  detections: readonly TrackableDetection[],
  options: DrawOptions,
): void {
  const left = Math.max(0, shown.x)
  const top = Math.max(0, shown.y)
  const width = Math.min(element.width, shown.x + shown.width) - left
  const height = Math.min(element.height, shown.y + shown.height) - top
  if (width <= 0 || height <= 0) return
  const scaleX = shown.width / picture.width
  const scaleY = shown.height / picture.height
  const visible = detections.flatMap((detection): TrackableDetection[] => {
    const [x, y, boxWidth, boxHeight] = detection.box
    const from = mirrored ? picture.width - x - boxWidth : x
    const box = [shown.x - left + from * scaleX, shown.y - top + y * scaleY, boxWidth * scaleX, boxHeight * scaleY]
    const [boxX, boxY, w, h] = box as [number, number, number, number]
    return boxX + w > 0 && boxY + h > 0 && boxX < width && boxY < height
      ? [{ ...detection, box: [boxX, boxY, w, h] }]
      : []
  })
  const side = Math.sqrt(width * height)
  const { lineWidth = Math.min(3, Math.max(1.5, side * 0.005)), fontSize = Math.min(16, Math.max(11, side * 0.027)) } =
    options
  context.save()
  context.translate(left, top)
  drawOnCanvas(context, visible, { ...options, width, height, lineWidth, fontSize })
  context.restore()
}
