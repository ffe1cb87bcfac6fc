/** The report's style: calm, no colour but the models' and the photos'; light or dark as the reader's system is. */
export const STYLE: string = `
:root { color-scheme: light dark;
  --page: #f7f7f5; --card: #fff; --ink: #1c1d1f; --quiet: #5d6168; --line: #e2e2de; --track: #ececea;
  --m0: #2563c9; --m1: #c2540a; --m2: #15803d; --m3: #9333a8; --m4: #0e7490; --m5: #a16207 }
@media (prefers-color-scheme: dark) { :root {
  --page: #131416; --card: #1c1e21; --ink: #eceded; --quiet: #a3a8b0; --line: #303338; --track: #2a2d31;
  --m0: #7fb0ff; --m1: #ff9d5c; --m2: #6fd58f; --m3: #dda0f0; --m4: #5cc8dc; --m5: #e5c35c } }
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums }
main, header, footer { max-width: 1080px; margin: 0 auto; padding: 0 20px }
header { padding-top: 44px }
h1 { font-size: clamp(1.6rem, 5vw, 2.4rem); line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.02em; overflow-wrap: anywhere }
h2 { font-size: 1.25rem; margin: 0 0 4px; letter-spacing: -0.01em }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere }
p { margin: 0 0 12px; max-width: 70ch }
.quiet, figcaption, small, footer { color: var(--quiet) }
small { font-size: .82rem }
.eyebrow { margin: 0 0 8px; color: var(--quiet); font-size: .9rem }
.verdict { font-size: 1.12rem; margin: 18px 0 24px }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 24px; margin: 0 0 20px }
footer { padding-top: 8px; padding-bottom: 48px; font-size: .88rem }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 20px; margin-bottom: 20px }
.cards section { margin: 0; border-top: 4px solid currentColor }
.cards h2, .cards p, .cards dl { color: var(--ink) }
.cards p { color: var(--quiet); font-size: .9rem; min-height: 2.9em }
.cards dl { display: grid; grid-template-columns: repeat(2, 1fr); gap: 14px 20px; margin: 0 }
dt { color: var(--quiet); font-size: .82rem }
dd { margin: 0; font-size: 1.5rem; line-height: 1.2; font-weight: 600 }
dd small { font-weight: 400 }
.m0 { color: var(--m0) } .m1 { color: var(--m1) } .m2 { color: var(--m2) }
.m3 { color: var(--m3) } .m4 { color: var(--m4) } .m5 { color: var(--m5) }
.key { display: inline-block; width: 18px; height: 0; border-top: 3px solid; vertical-align: middle; margin-right: 7px }
.key.m1 { border-top-style: dashed } .key.m2 { border-top-style: dotted }
.legend { display: flex; flex-wrap: wrap; gap: 4px 22px; list-style: none; padding: 0; margin: 0 0 12px; font-size: .92rem }
.scroll { overflow-x: auto; margin: 0 -24px; padding: 0 24px }
table { border-collapse: collapse; width: 100%; margin-top: 12px }
caption { text-align: left; color: var(--quiet); font-size: .9rem; padding-bottom: 8px }
th, td { padding: 7px 10px; text-align: right; vertical-align: middle; border-top: 1px solid var(--line); white-space: nowrap }
thead th { border-top: 0; color: var(--quiet); font-weight: 500; font-size: .85rem; vertical-align: bottom }
thead th.name { white-space: normal; min-width: 11ch }
th:first-child { text-align: left; padding-left: 0; font-weight: 500 }
td:last-child, th:last-child { padding-right: 0 }
tbody th small { display: block; font-weight: 400; white-space: normal; min-width: 12ch }
tbody tr.group th { color: var(--quiet); font-size: .85rem; padding-top: 18px; border-top: 0 }
td.plot { width: 32%; min-width: 170px }
td small { display: block }
strong.clear { font-weight: 700 }
.whiskers { display: block; width: 100%; min-width: 150px; height: auto; max-height: 60px }
.bar { display: block; width: 110px; height: 8px; border-radius: 4px; background: var(--track); margin: 3px 0 0 auto; overflow: hidden }
.bar span { display: block; height: 100%; background: currentColor; border-radius: 4px }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 24px }
figure { margin: 0; min-width: 0 }
figcaption { font-size: .85rem; margin-top: 4px }
.chart svg, .small svg { display: block; width: 100%; height: auto }
.chart figcaption { text-align: center }
svg text { fill: var(--quiet); font: 11px system-ui, sans-serif }
.grid { stroke: var(--line) } .zero { stroke: var(--quiet); stroke-dasharray: 2 3 } .frame { fill: none; stroke: var(--line) }
.line { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linejoin: round }
.line.m1 { stroke-dasharray: 7 3 } .line.m2 { stroke-dasharray: 2 3 }
.small .line { stroke-width: 1.6 }
.whisker { stroke: currentColor; stroke-width: 2.5; stroke-linecap: round } .dot { fill: currentColor } .dot.open { fill: var(--card); stroke: currentColor; stroke-width: 2.2 }
.smalls { display: grid; grid-template-columns: repeat(auto-fill, minmax(118px, 1fr)); gap: 14px; margin-top: 14px }
summary { cursor: pointer; color: var(--quiet); margin-top: 14px }
.stack { display: flex; height: 26px; border-radius: 6px; overflow: hidden; background: var(--track); margin: 2px 0 14px }
.stack span { height: 100%; background: currentColor; border-right: 2px solid var(--card); overflow: hidden }
.stack b { color: var(--card); font-size: 12px; font-weight: 600; line-height: 26px; padding-left: 8px }
.photo { border-top: 1px solid var(--line); padding-top: 20px; margin-top: 22px }
.photo:first-of-type { border-top: 0; padding-top: 8px; margin-top: 8px }
.views { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 14px; margin-top: 10px }
.views.heat { grid-template-columns: repeat(auto-fit, minmax(min(46%, 300px), 1fr)) }
.views svg, .views img { display: block; width: 100%; height: auto; border-radius: 8px; background: var(--track) }
.note p:last-child { margin: 0 }
.note { border-left: 3px solid var(--m1); padding-left: 14px }
@media (max-width: 560px) {
  main, header, footer { padding-left: 12px; padding-right: 12px }
  header { padding-top: 24px }
  section { padding: 18px 16px; border-radius: 12px }
  .scroll { margin: 0 -16px; padding: 0 16px }
  th, td { padding: 7px 4px } tbody th small { min-width: 9ch } td small { white-space: normal }
  .plot { display: none } td:has(+ .plot), th:has(+ .plot) { padding-right: 0 }
  thead th, td small { font-size: .75rem } thead th.name { min-width: 0; max-width: 24vw; overflow-wrap: break-word }
  .bar { width: 54px }
}
@media print { body { background: #fff } section { break-inside: avoid } }
`.trim()
