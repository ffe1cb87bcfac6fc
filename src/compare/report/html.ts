import { escapeMarkup } from '../../markup.ts'

/** Text that is HTML already and goes in as it is. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Content = Markup | string | number | undefined | readonly Content[]

/**
 * HTML of a template: what is put in is escaped unless it is markup; lists are joined; undefined gives nothing.
 *
 * @example
 * html`<li>${'a < b'}</li>`.text // <li>a &lt; b</li>
 */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  let text = strings[0] ?? ''
  contents.forEach((content, i) => {
    text += render(content) + (strings[i + 1] ?? '')
  })
  return new Markup(text)
}

function render(content: Content): string {
  if (content === undefined) return ''
  if (content instanceof Markup) return content.text
  if (typeof content === 'string') return escapeMarkup(content)
  if (typeof content === 'number') return String(content)
  return content.map(render).join('')
}
