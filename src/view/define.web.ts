import { viewClass } from './element.web.ts'

/**
 * Registers the element `<vertebra-view>`: a picture, video or camera with boxes over it, in one line of HTML. A second call
 * does nothing.
 *
 * | attribute | |
 * |---|---|
 * | `model` | a name, or the URL of a model folder; required |
 * | `src` | URL of a picture or video; or |
 * | `camera` | a camera: empty for any, `user`, `environment` or a `deviceId` |
 * | `min-score` | only probabilities above this, 0 to 1; default 0.5 |
 * | `classes` | only these labels, with commas between |
 * | `max-fps` | at most this many detections a second |
 * | `device` | `auto`, `webgpu`, `webnn`, `wasm` |
 * | `heat-map` | a feature level to lay over the picture, such as `c4` |
 * | `runtime-url` | folder of onnxruntime-web, where no import map or bundler knows it |
 * | `autostart` | a camera or video starts without the button |
 *
 * Events, which do not bubble: `detections`, `progress`, `error`, with their subject in `detail`.
 * Parts to style: `view`, `stage`, `media`, `overlay`, `notice`, `message`, `progress`, `bar`, `button`, `status`. Custom
 * properties: `--vertebra-text`, `-quiet`, `-surface`, `-line`, `-accent`, `-on-accent`, `-radius`.
 *
 * The camera opens when the person presses the button, and is off whenever the element is not in a page that can be seen.
 *
 * @param name of the element, with a hyphen.
 * @example
 * defineVertebraView()
 * document.body.innerHTML = '<vertebra-view model="resnet101-voc" camera="user"></vertebra-view>'
 */
export function defineVertebraView(name = 'vertebra-view'): void {
  if (customElements.get(name) === undefined) customElements.define(name, viewClass())
}
