/** The looks of our pages, light or dark as the reader has it. */
export const LOOKS = `
:root { color-scheme: light dark; --paper: #fbfaf8; --card: #fff; --ink: #1f2328; --faint: #67707a; --line: #d9d6d0; --c0: #35688f; --c1: #b4552d; --c2: #b3372f; --good: #2c7a4b; --bad: #b3372f; --idle: #8a8f96; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --card: #1e2125; --ink: #e6e4e0; --faint: #9aa2ab; --line: #363b41; --c0: #6fa8d6; --c1: #e08c5f; --c2: #ef8a80; --good: #6cc08b; --bad: #ef8a80; --idle: #7f868e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 26px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 12px; padding-bottom: 6px; border-bottom: 1px solid var(--line); }
h3 { font-size: 15px; margin: 0 0 8px; overflow-wrap: anywhere; }
p { margin: 0 0 8px; }
.faint, .none { color: var(--faint); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 16px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; min-width: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 12px; margin: 18px 0 0; }
.tile b { display: block; font-size: 22px; font-weight: 600; line-height: 1.2; }
.tile span { color: var(--faint); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; font-weight: normal; padding: 4px 12px 4px 0; vertical-align: top; }
thead th { color: var(--faint); font-size: 13px; border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid color-mix(in srgb, var(--line) 55%, transparent); }
tfoot td, tfoot th { border-top: 1px solid var(--line); font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.chart { display: block; width: 100%; height: auto; }
.chart text { fill: var(--faint); font-size: 11px; }
.axis { stroke: var(--line); }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 5px 0 12px; }
.mark { display: inline-block; border: 1px solid currentColor; border-radius: 999px; padding: 0 8px; font-size: 12px; line-height: 18px; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); }
.sample { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: 20px; margin-bottom: 16px; }
@media (max-width: 800px) { .sample { grid-template-columns: minmax(0, 1fr); } }
.sample img { display: block; width: 100%; height: auto; border-radius: 4px; background: #fff; }
audio { width: 100%; margin: 8px 0; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
.id { font: 12px/1.4 ui-monospace, monospace; color: var(--faint); overflow-wrap: anywhere; }
details { border-top: 1px solid var(--line); padding: 8px 0 0; margin-top: 8px; }
summary { cursor: pointer; overflow-wrap: anywhere; }
footer { margin-top: 48px; color: var(--faint); font-size: 13px; }
`;
