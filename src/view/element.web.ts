import type { StreamResult } from '../detector/stream.ts'
import type { WebDetector } from '../load/web.ts'
import type { Progress } from '../progress.ts'
import { ATTRIBUTES, readSettings } from './settings.ts'
import { createViewer } from './viewer.web.ts'

/** The element `<vertebra-view>`; see `defineVertebraView`. */
export interface VertebraView extends HTMLElement {
  /** The loaded detector, or undefined before and while it loads. It belongs to the element, which disposes it. */
  readonly detector: WebDetector | undefined
  /** Opens the camera or plays the video, as the button does. */
  start(): void
  /** Turns the camera off, or stops the video. */
  stop(): void
}

/** The events of the element, with the types of their `detail`. None bubbles. */
export interface VertebraViewEvents {
  /** Objects of a picture or frame. */
  detections: CustomEvent<StreamResult>
  /** A step of loading the model. */
  progress: CustomEvent<Progress>
  /** What went wrong, which the element has told the person already. */
  error: CustomEvent<unknown>
}

/** The class is made when it is asked for: where there is no DOM, as on a server, this file can be imported all the same. */
export function viewClass(): new () => VertebraView {
  return class extends HTMLElement implements VertebraView {
    static readonly observedAttributes = ATTRIBUTES
    readonly #viewer = createViewer(this.attachShadow({ mode: 'open' }), {
      onDetections: (result) => this.#emit('detections', result),
      onProgress: (progress) => this.#emit('progress', progress),
      onError: (error) => this.#emit('error', error),
    })
    #listening: AbortController | undefined
    #isDue = false

    get detector(): WebDetector | undefined {
      return this.#viewer.detector
    }

    start(): void {
      this.#applyDue()
      this.#viewer.start()
    }

    stop(): void {
      this.#applyDue()
      this.#viewer.stop()
    }

    connectedCallback(): void {
      this.#listening = new AbortController()
      const { signal } = this.#listening
      const look = (): void => (document.hidden ? this.#viewer.pause() : this.#viewer.resume())
      document.addEventListener('visibilitychange', look, { signal })
      window.addEventListener('pagehide', () => this.#viewer.pause(), { signal })
      window.addEventListener('pageshow', look, { signal })
      look()
      this.#apply()
    }

    disconnectedCallback(): void {
      this.#listening?.abort()
      this.#viewer.pause()
      // An element that is only moved is connected again at once, and keeps its model.
      queueMicrotask(() => {
        if (!this.isConnected) this.#viewer.close()
      })
    }

    attributeChangedCallback(): void {
      this.#apply()
    }

    /** Attributes that are set together are read together, and before what is called after them. */
    #apply(): void {
      if (this.#isDue) return
      this.#isDue = true
      queueMicrotask(() => this.#applyDue())
    }

    #applyDue(): void {
      if (!this.#isDue) return
      this.#isDue = false
      if (this.isConnected) this.#viewer.apply(() => readSettings((name) => this.getAttribute(name)))
    }

    #emit(type: keyof VertebraViewEvents, detail: unknown): void {
      this.dispatchEvent(new CustomEvent(type, { detail }))
    }
  }
}
