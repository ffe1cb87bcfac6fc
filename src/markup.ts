const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Text that is safe in XML and HTML, also inside quotes: markup escaped, and what XML 1.0 cannot carry (controls, halves of
 * surrogates) left out.
 */
export function escapeMarkup(text: string): string {
  return withoutUncarried(text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] as string))
}

/** Text without what XML 1.0 cannot carry, not even escaped: controls, halves of surrogates. */
export function withoutUncarried(text: string): string {
  return text.replaceAll(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
}
