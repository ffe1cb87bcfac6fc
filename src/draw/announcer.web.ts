import { describeDetections } from './summary.ts'

export interface AnnouncerOptions {
  /** At most one announcement in this many milliseconds. Default 3000. */
  readonly intervalMs?: number | undefined
  /** The words, for other languages. Default: English, `2 persons, 1 dog`. */
  readonly describe?: ((detections: readonly { readonly label: string }[]) => string) | undefined
}

/** Says what is seen to those who cannot look. */
export interface Announcer {
  update(detections: readonly { readonly label: string }[]): void
  /** Removes the element; nothing is said any more. */
  stop(): void
}

/** Not `display: none`, which screen readers leave out too. */
const UNSEEN =
  'position:absolute;width:1px;height:1px;margin:-1px;padding:0;border:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap'

/**
 * A live region (`role="status"`, polite) that says what is seen whenever that changes, but not so often that nobody can
 * listen: the newest words wait for their turn, those between are left out.
 *
 * @param parent where the element goes; it takes no room.
 * @example
 * const announcer = createAnnouncer(document.body)
 * for await (const { detections } of detector.stream(video)) announcer.update(detections)
 */
export function createAnnouncer(parent: Element | ShadowRoot, options: AnnouncerOptions = {}): Announcer {
  const { intervalMs = 3000, describe = describeDetections } = options
  const region = document.createElement('div')
  region.setAttribute('role', 'status')
  region.setAttribute('aria-live', 'polite')
  region.style.cssText = UNSEEN
  parent.append(region)
  let words = ''
  let spokenAt = Number.NEGATIVE_INFINITY
  let timer: ReturnType<typeof setTimeout> | undefined

  function say(): void {
    timer = undefined
    if (region.textContent === words) return
    region.textContent = words
    spokenAt = performance.now()
  }

  return {
    update(detections) {
      words = describe(detections)
      if (timer !== undefined || words === region.textContent) return
      timer = setTimeout(say, Math.max(0, spokenAt + intervalMs - performance.now()))
    },
    stop() {
      clearTimeout(timer)
      region.remove()
    },
  }
}
