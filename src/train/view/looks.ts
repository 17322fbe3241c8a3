/** Looks and script of the page. The script only puts in place what the server sends. */
import { LOOKS } from '../../page/index.js';

export const STYLE = `${LOOKS}
.chart path { fill: none; stroke: var(--c0); stroke-width: 1; stroke-linejoin: round; }
.chart .raw { opacity: .3; } .chart .mean { stroke-width: 2; }
.chart .held { stroke: var(--c1); } .dot { fill: var(--c1); }
.chart .axis { stroke: color-mix(in srgb, var(--line) 60%, transparent); }
.strip { fill: transparent; } .strip:hover { fill: color-mix(in srgb, var(--ink) 8%, transparent); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; }
.charts:not(.many) .card { max-width: 820px; }
.stage h3 { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; justify-content: space-between; }
.stage h3 .faint { font-weight: normal; }
@media (max-width: 560px) { .chart text { font-size: 17px; } }
.audition { margin-bottom: 16px; }
.heard { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 7fr); gap: 8px 20px; padding: 12px 0; border-top: 1px solid var(--line); }
.heard.mute { grid-template-columns: minmax(0, 1fr); }
@media (max-width: 700px) { .heard { grid-template-columns: minmax(0, 1fr); } }
.heard img { display: block; width: 100%; height: auto; border-radius: 4px; background: #fff; }
.heard audio { height: 36px; margin: 6px 0 0; }
.settings th { color: var(--faint); width: 9em; white-space: nowrap; }
.settings td { overflow-wrap: anywhere; }
#lost { display: none; position: sticky; top: 0; z-index: 1; background: var(--card); border: 1px solid var(--bad); border-radius: 8px; padding: 8px 14px; margin-bottom: 12px; }
.lost #lost { display: block; }
`;

export const SCRIPT = `'use strict';
const feed = new EventSource('events');
feed.onopen = () => document.body.classList.remove('lost');
feed.onerror = () => document.body.classList.add('lost');
feed.onmessage = ({ data }) => {
  const { parts, auditions } = JSON.parse(data);
  for (const [id, markup] of Object.entries(parts)) {
    const place = document.getElementById(id);
    if (place && place.innerHTML !== markup) place.innerHTML = markup;
  }
  // What is there stays as it is: somebody may be listening.
  const list = document.getElementById('auditions');
  for (const { id, markup } of auditions.reverse()) {
    if (!document.getElementById(id)) list.insertAdjacentHTML('afterbegin', markup);
  }
};
`;
