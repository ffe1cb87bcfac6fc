/** The element's look; every colour and length that a page may want to change is a custom property. */
export const STYLE = `
:host {
  display: block;
  container-type: inline-size;
  color-scheme: light dark;
  font: 15px/1.45 system-ui, sans-serif;
  --_text: var(--vertebra-text, #1d1f23);
  --_quiet: var(--vertebra-quiet, #5a5f69);
  --_surface: var(--vertebra-surface, #f2f3f5);
  --_line: var(--vertebra-line, #d5d8dd);
  --_accent: var(--vertebra-accent, #1a5fb4);
  --_on-accent: var(--vertebra-on-accent, #ffffff);
  --_radius: var(--vertebra-radius, 10px);
  color: var(--_text);
}
@media (prefers-color-scheme: dark) {
  :host {
    --_text: var(--vertebra-text, #eceef1);
    --_quiet: var(--vertebra-quiet, #a9afb9);
    --_surface: var(--vertebra-surface, #1d2025);
    --_line: var(--vertebra-line, #3a3f47);
    --_accent: var(--vertebra-accent, #8ab8f5);
    --_on-accent: var(--vertebra-on-accent, #10151c);
  }
}
:host([hidden]) { display: none }
[hidden] { display: none !important }
figure {
  margin: 0;
  overflow: hidden;
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  background: var(--_surface);
}
[part='stage'] { position: relative; display: grid; min-height: 8rem }
[part='stage'] > :is(video, img) { display: block; width: 100%; height: auto; grid-area: 1 / 1 }
[part='stage'] > .mirrored { transform: scaleX(-1) }
[part='notice'] {
  grid-area: 1 / 1;
  z-index: 1;
  align-self: center;
  justify-self: center;
  display: grid;
  gap: .5rem;
  justify-items: center;
  max-width: 34rem;
  margin: 1rem;
  padding: .75rem 1rem;
  border-radius: calc(var(--_radius) * .8);
  background: var(--_surface);
  text-align: center;
  overflow-wrap: anywhere;
}
progress { width: min(16rem, 60cqw); accent-color: var(--_accent) }
figcaption {
  display: flex;
  flex-wrap: wrap;
  gap: .5rem 1rem;
  align-items: center;
  min-height: 2.75rem;
  padding: .5rem .75rem;
  border-top: 1px solid var(--_line);
}
[part='status'] { color: var(--_quiet); font-variant-numeric: tabular-nums }
button {
  min-height: 2.5rem;
  padding: 0 1rem;
  border: 0;
  border-radius: calc(var(--_radius) * .6);
  background: var(--_accent);
  color: var(--_on-accent);
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
button:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px }
`
