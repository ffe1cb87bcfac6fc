/** Calm colours; light or dark as the reader's system is. The shortcuts are what stands out. */
export const STYLE = `
.page{fill:#fff}.panel{fill:#f3f5f7}
.wire,.split{stroke:#8b97a4;stroke-width:1.5;fill:none}
.conv{fill:#dce8f6;stroke:#5b7fa8}.max-pool{fill:#fbe8cb;stroke:#b5873a}.fc{fill:#dcefdd;stroke:#5d965f}
.sum{fill:#fff;stroke:#59636e;stroke-width:1.5}.pill{fill:#1f2933}
.identity,.padded,.projection{fill:none;stroke:#d9480f;stroke-width:2.5}
.padded{stroke-dasharray:1 5;stroke-linecap:round}.projection{stroke:#7048c8;stroke-dasharray:6 4}
text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2933}
.label,.small,.plus{text-anchor:middle}.small{font-size:11px}.plus{font-size:13px}
.title{font-size:17px;font-weight:600}.stage,.times{font-weight:600}.times{font-size:13px}.times,.size{text-anchor:end}
.size,.note{fill:#59636e}.level{fill:#fff;text-anchor:middle;font-weight:600}
@media (prefers-color-scheme:dark){
.page{fill:#14181d}.panel{fill:#1d232a}
.wire,.split{stroke:#6b7783}
.conv{fill:#23374f;stroke:#6f97c4}.max-pool{fill:#46361a;stroke:#c79a4c}.fc{fill:#213d25;stroke:#6fae73}
.sum{fill:#14181d;stroke:#aeb8c2}.pill{fill:#e6eaee}
.identity,.padded{stroke:#ff8a4c}.projection{stroke:#b095f5}
text{fill:#e6eaee}.size,.note{fill:#a3adb8}.level{fill:#14181d}
}`
