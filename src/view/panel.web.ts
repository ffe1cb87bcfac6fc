import type { Media } from './media.web.ts'
import { STYLE } from './style.ts'
import { bytesInWords } from './words.ts'

/** The parts of the element that a person sees, in its shadow tree. */
export interface Panel {
  /** Around the media: here the overlay goes. */
  readonly stage: HTMLElement
  readonly button: HTMLButtonElement
  showMedia(media: Media | undefined): void
  /** What the button does, or undefined for none. */
  setAction(words: string | undefined): void
  /** The line below: what runs, how fast. */
  setStatus(words: string): void
  showLoading(words: string, bytes?: { readonly done: number; readonly total: number }): void
  showError(words: string): void
  hideNotice(): void
}

/** A style sheet object: unlike an element `<style>` it needs nothing of a page's Content-Security-Policy. */
export function createPanel(root: ShadowRoot): Panel {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(STYLE)
  root.adoptedStyleSheets = [sheet]
  const figure = make('figure', 'view')
  const stage = make('div', 'stage')
  const notice = make('div', 'notice')
  const words = make('span', 'message')
  const bar = document.createElement('progress')
  bar.setAttribute('part', 'progress')
  bar.setAttribute('aria-label', 'Download of the model')
  const caption = make('figcaption', 'bar')
  const button = document.createElement('button')
  button.type = 'button'
  button.setAttribute('part', 'button')
  const status = make('span', 'status')
  notice.append(words, bar)
  stage.append(notice)
  caption.append(button, status)
  figure.append(stage, caption)
  root.append(figure)
  notice.hidden = true
  let shown: Media | undefined

  return {
    stage,
    button,
    showMedia(media) {
      if (media === shown) return
      shown?.element.remove()
      shown = media
      if (!media) return
      media.element.setAttribute('part', 'media')
      media.element.classList.toggle('mirrored', media.isMirrored)
      stage.prepend(media.element)
    },
    setAction(text) {
      button.hidden = text === undefined
      button.textContent = text ?? ''
    },
    setStatus(text) {
      status.textContent = text
    },
    showLoading(text, bytes) {
      // Words that change with every chunk of a download would never let a screen reader rest: the bar tells it.
      notice.removeAttribute('role')
      notice.hidden = false
      bar.hidden = bytes === undefined
      words.textContent = bytes ? `${text} ${bytesInWords(bytes.done, bytes.total)}` : text
      if (bytes) {
        bar.max = bytes.total
        bar.value = bytes.done
      }
    },
    showError(text) {
      notice.setAttribute('role', 'alert')
      notice.hidden = false
      bar.hidden = true
      words.textContent = text
    },
    hideNotice() {
      notice.hidden = true
    },
  }
}

function make(name: string, part: string): HTMLElement {
  const element = document.createElement(name)
  element.setAttribute('part', part)
  return element
}
