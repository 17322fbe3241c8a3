/** A run as an HTML page that asks nobody but its own server for anything. */
import { grouped, Html, html, short } from '../../page/index.js';
import { type Audition, type Heard, saidOf } from '../heard.js';
import { clock } from '../progress.js';
import { lossChart } from './chart.js';
import { STYLE } from './looks.js';
import type { RunView, StageView } from './run-folder.js';

/** Pieces of the page that change, by the id of their place. */
export interface Pieces {
  parts: Record<string, string>;
  /** newest first */
  auditions: { id: string; markup: string }[];
}

/** More would make the page slow; the others lie in the folder. */
const MOST_AUDITIONS = 40;
/** A log that was not written for so long is of a run that stands still, milliseconds. */
const STILL = 120_000;

/** @param now milliseconds */
export function piecesOf(view: RunView, now: number): Pieces {
  const shown = view.auditions.slice(0, MOST_AUDITIONS);
  return {
    parts: {
      now: nowPart(view, now).markup,
      curves: curvesPart(view, now).markup,
      more: morePart(view.auditions.length).markup,
      settings: settingsPart(view).markup,
    },
    auditions: shown.map((audition) => ({ id: idOf(audition), markup: auditionCard(audition).markup })),
  };
}

/** @param name of the run, as its heading */
export function pageOf(name: string, { parts, auditions }: Pieces): string {
  const place = (id: string): Html => html`<div id="${id}">${new Html(parts[id])}</div>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${name}: training</title>
<style>${new Html(STYLE)}</style>
<script src="page.js" defer></script>
</head>
<body>
<main>
<p id="lost" role="status">The training's page has ended or cannot be reached; this is what it showed last.</p>
<h1>${name}</h1>
${place('now')}
${place('curves')}
<section><h2>Heard along the way</h2>${place('more')}<div id="auditions">${auditions.map(({ markup }) => new Html(markup))}</div></section>
${place('settings')}
<footer>Made by <code>bagpiper train --page</code> or <code>bagpiper curves</code>; it only reads the run's folder.</footer>
</main>
</body>
</html>
`.markup;
}

function nowPart({ stages, current, auditions }: RunView, now: number): Html {
  if (!current) {
    const first = auditions.length > 0 ? 'The model before training was heard' : 'The data is being prepared';
    return html`<p class="faint">No step yet. ${first}; the first step follows.</p>`;
  }
  const { lines, step, steps, pace } = current;
  const place = stages.length > 1 ? `, stage ${stages.indexOf(current) + 1} of ${stages.length}` : '';
  const held = lastOf(current, 'held_loss');
  const left = pace && steps !== undefined && step < steps ? clock((steps - step) / pace.steps) : undefined;
  const tiles: [string | undefined, string][] = [
    [`${grouped(step)}${steps === undefined ? '' : ` of ${grouped(steps)}`}`, 'steps'],
    [meanLoss(lines), 'loss (running mean)'],
    [held && short(held.value), held ? `held-out loss, step ${grouped(held.step)}` : ''],
    [pace && grouped(Math.round(pace.tokens)), 'tokens a second'],
    [left, 'left of this stage'],
  ];
  return html`<p>${current.name}${place} ${stateMark(current, now)}</p>
<div class="tiles">${tiles.filter(([value]) => value !== undefined).map(([value, what]) => html`<div class="tile card"><b>${value}</b><span>${what}</span></div>`)}</div>`;
}

function stateMark({ step, steps, written }: StageView, now: number): Html {
  if (step === 0) return html`<span class="mark faint">to come</span>`;
  if (steps !== undefined && step >= steps) return html`<span class="mark good">done</span>`;
  const quiet = now - written;
  if (quiet < STILL) return html`<span class="mark good">running</span>`;
  return html`<span class="mark faint">last step ${agoText(quiet)} ago</span>`;
}

function agoText(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}

function lastOf({ lines }: StageView, field: string): { step: number; value: number } | undefined {
  for (let i = lines.length - 1; i >= 0; i--) {
    const value = lines[i][field];
    if (typeof value === 'number') return { step: lines[i].step, value };
  }
  return undefined;
}

/** The mean of the last fortieth of the steps, ten at least. */
function meanLoss(lines: StageView['lines']): string {
  const last = lines.slice(-Math.max(10, Math.floor(lines.length / 40))).flatMap(({ loss }) => loss ?? []);
  return last.length === 0 ? '?' : short(last.reduce((sum, loss) => sum + loss, 0) / last.length);
}

/** The stage at work first, then those before it, then those to come. */
function curvesPart({ stages, current }: RunView, now: number): Html {
  const order = [...(current ? [current] : []), ...stages.filter((stage) => stage !== current)];
  const cards = order.map((stage) => {
    const { name, lines, step, steps } = stage;
    const count = `${grouped(step)}${steps === undefined ? '' : ` of ${grouped(steps)}`} steps`;
    return html`<div class="card stage"><h3><span>${name} ${stateMark(stage, now)}</span><span class="faint">${count}</span></h3>${lossChart(lines)}</div>`;
  });
  return html`<section><h2>Curves</h2>
<p class="faint"><span class="key" style="background: var(--c0); margin-left: 0"></span>training loss, pale each step, strong its mean<span class="key" style="background: var(--c1)"></span>held out</p>
<div class="${cards.length > 1 ? 'charts many' : 'charts'}">${cards}</div></section>`;
}

function morePart(count: number): Html {
  if (count === 0) {
    return html`<p class="none">Nothing yet. Set <code>samples</code> in the configuration to hear the model as it learns.</p>`;
  }
  return count <= MOST_AUDITIONS
    ? html``
    : html`<p class="faint">The ${MOST_AUDITIONS} newest of ${grouped(count)}; the others lie in the run's folder, samples.</p>`;
}

const idOf = ({ name }: Audition): string => `heard-${name}`;

function auditionCard(audition: Audition): Html {
  const { stage, step, heard } = audition;
  const when = step === 0 ? 'before the first step' : `step ${grouped(step)}`;
  return html`<article class="card audition" id="${idOf(audition)}"><h3>${stage}, ${when}</h3>${heard.map(heardPart)}</article>`;
}

function heardPart(heard: Heard): Html {
  const { title, sound, error } = heard;
  const { text, before } = saidOf(heard);
  const words = html`<div><p class="faint">${title}</p>${
    error === undefined ? html`<p class="text">${text}</p>` : html`<p class="bad text">failed: ${error}</p>`
  }${before !== undefined && html`<p class="text faint">${before.trim()}</p>`}</div>`;
  if (sound === undefined) return html`<div class="heard mute">${words}</div>`;
  const path = sound.split('/').map(encodeURIComponent).join('/');
  return html`<div class="heard"><div><img src="picture/${path}" alt="spectrogram" width="600" height="200" loading="lazy"><audio controls preload="none" src="sound/${path}"></audio></div>${words}</div>`;
}

function settingsPart({ stages, settings }: RunView): Html {
  const named = stages.filter((stage) => Object.keys(stage.settings).length > 0);
  const tables = [
    ...(Object.keys(settings).length > 0 ? [settingsTable('all stages', settings)] : []),
    ...named.map(({ name, settings: own, steps }) =>
      settingsTable(name, { ...(steps !== undefined && { steps }), ...own }),
    ),
  ];
  return tables.length === 0 ? html`` : html`<section><h2>Settings</h2><div class="grid">${tables}</div></section>`;
}

function settingsTable(title: string, settings: Record<string, unknown>): Html {
  const rows = Object.entries(settings).map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${settingText(value)}</td></tr>`,
  );
  return html`<div class="card"><h3>${title}</h3><table class="settings"><tbody>${rows}</tbody></table></div>`;
}

function settingText(value: unknown): Html | string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return html`${value.map((entry, i) => html`${i > 0 && html`<br>`}${settingText(entry)}`)}`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).filter(([, field]) => !(Array.isArray(field) && field.length === 0));
  return html`${fields.map(([name, field], i) => html`${i > 0 && html`<br>`}${name}: ${settingText(field)}`)}`;
}
