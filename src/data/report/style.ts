/** The looks of the report: what it has beyond our other pages. */
import { LOOKS } from '../../page/index.js';

export const STYLE = `${LOOKS}
.bars th { width: 1%; max-width: 150px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bars .number { width: 1%; }
.bars tr > * { border: 0 !important; padding-top: 2px; padding-bottom: 2px; }
td.lane { vertical-align: middle; }
.bars .lane { padding-right: 0; }
.lane svg { display: block; width: 100%; height: 11px; min-width: 40px; }
.bar { fill: var(--c0); } .bar.c1 { fill: var(--c1); } .bar.c2 { fill: var(--c2); }
.chart .bar:hover { fill: var(--c1); }
/* On a phone a stage is a few lines, its numbers with their names over them: a table would hide half of them. */
@media (max-width: 640px) {
.stages thead { display: none; }
.stages tr { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); padding: 8px 0; }
.stages tr > * { padding: 2px 8px 2px 0; border: 0 !important; }
.stages th, .stages td.lane { grid-column: 1 / -1; overflow-wrap: anywhere; }
.stages td.number { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.stages td.number::before { content: attr(data-what); display: block; color: var(--faint); font-size: 12px; font-weight: normal; }
.stages td.number:empty { display: none; }
.stages tbody tr + tr, .stages tfoot tr { border-top: 1px solid var(--line); }
}
.tile b { overflow-wrap: anywhere; }
.mark { max-width: 100%; overflow: hidden; text-overflow: ellipsis; vertical-align: bottom; }
.turn { margin: 8px 0 0; padding-left: 10px; border-left: 3px solid var(--idle); }
.turn.assistant { border-color: var(--c0); } .turn.user { border-color: var(--c1); }
.turn > b { font-size: 12px; font-weight: 600; color: var(--faint); display: block; }
.thinking { color: var(--faint); font-style: italic; }
`;
