/** The page: what a run holds, in one HTML file that asks nobody for anything and runs no scripts. */
import { grouped, Html, html, short } from '../../page/index.js';
import type { StageEntry } from '../run/index.js';
import type { Usage } from '../types.js';
import { bars, type Histogram, histogram } from './charts.js';
import type { Judgements, Kind, Numbers, StageNumbers } from './gather.js';
import { sampleCard } from './sample-card.js';
import type { Sample } from './samples.js';
import { STYLE } from './style.js';

/** @param name of the run, as its heading */
export function pageOf(name: string, numbers: Numbers, samples: readonly Sample[]): string {
  const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}: report</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<h1>${name}</h1>
<p class="faint">Report on a run of bagpiper data.</p>
${tiles(numbers)}
${stagesPart(numbers.stages)}
${distributionsPart(numbers)}
${kindsPart('Set aside', 'Decided: not wanted, or not to be made.', numbers.stages, 1, ({ aside }) => aside)}
${kindsPart('Failed', 'Undecided: the same command tries them again.', numbers.stages, 2, ({ errors }) => errors)}
${numbers.judgements.map(judgementsPart)}
${samplesPart(samples)}
<footer>Made by <code>bagpiper data report</code>; the page loads nothing and runs no scripts.</footer>
</main>
</body>
</html>
`;
  return markup;
}

function tiles({ stages, clips, judgements }: Numbers): Html {
  const results = (name: string): number | undefined =>
    stages.find((stage) => stage.name === name)?.entry.counts.results;
  const usage = totalUsage(stages);
  const costs = stages.flatMap(({ entry }) => (entry.cost === undefined ? [] : [entry.cost]));
  const kept = judgements.flatMap(({ parts }) => parts).reduce((sum, part) => sum + part.kept, 0);
  const list: [string | undefined, string][] = [
    [clips && hoursText(clips.hours), 'of sound'],
    [count(results('clips')), 'clips'],
    [count(results('label')), 'captions'],
    [count(results('filter')), 'kept by the filters'],
    [judgements.length > 0 ? grouped(kept) : undefined, 'dialogues kept'],
    [usage.total_tokens > 0 ? compact(usage.total_tokens) : undefined, 'tokens'],
    [costs.length > 0 ? money(costs.reduce((sum, cost) => sum + cost, 0)) : undefined, 'cost'],
  ];
  const shown = list.filter(([value]) => value !== undefined);
  return html`<div class="tiles">${shown.map(([value, what]) => html`<div class="tile card"><b>${value}</b><span>${what}</span></div>`)}</div>`;
}

const count = (value: number | undefined): string | undefined => (value === undefined ? undefined : grouped(value));

function hoursText(hours: number): string {
  if (hours >= 10) return `${grouped(Math.round(hours))} h`;
  return hours >= 1 ? `${hours.toFixed(1)} h` : `${(hours * 60).toFixed(1)} min`;
}

function compact(tokens: number): string {
  if (tokens < 10_000) return grouped(tokens);
  return new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 }).format(tokens);
}

const money = (cost: number): string => (cost > 0 && cost < 0.01 ? cost.toPrecision(2) : cost.toFixed(2));

function spentBy({ usage, dropped }: StageEntry): Usage {
  const add = (key: keyof Usage): number => (usage[key] ?? 0) + (dropped?.[key] ?? 0);
  return {
    prompt_tokens: add('prompt_tokens'),
    completion_tokens: add('completion_tokens'),
    total_tokens: add('total_tokens'),
  };
}

function totalUsage(stages: readonly StageNumbers[]): Usage {
  const all = stages.map(({ entry }) => spentBy(entry));
  const sum = (key: keyof Usage): number => all.reduce((total, usage) => total + usage[key], 0);
  return {
    prompt_tokens: sum('prompt_tokens'),
    completion_tokens: sum('completion_tokens'),
    total_tokens: sum('total_tokens'),
  };
}

function stagesPart(stages: readonly StageNumbers[]): Html {
  const rows = stages.map(({ name, entry }) => {
    const { results, aside, errors } = entry.counts;
    return { name, entry, results, aside: sumOf(aside), errors: sumOf(errors), usage: spentBy(entry) };
  });
  const most = Math.max(1, ...rows.map(({ results, aside, errors }) => results + aside + errors));
  const usage = totalUsage(stages);
  const paid = rows.some(({ entry }) => entry.cost !== undefined);
  const total = rows.reduce((sum, { entry }) => sum + (entry.cost ?? 0), 0);
  const lines = rows.map(
    (
      row,
    ) => html`<tr><th scope="row">${row.name}${row.entry.state === 'done' ? '' : html` <span class="mark faint">not complete</span>`}</th>
<td class="lane">${lane([row.results, row.aside, row.errors], most)}</td>
${[row.results, row.aside, row.errors].map((value, i) => number(COUNTED[i], grouped(value)))}
${tokens(row.usage)}${paid && number('cost', row.entry.cost === undefined ? '' : money(row.entry.cost))}</tr>`,
  );
  return html`<section><h2>Stages</h2>
<p class="faint">Records: <span class="key" style="background: var(--c0)"></span>results<span class="key" style="background: var(--c1)"></span>set aside<span class="key" style="background: var(--c2)"></span>failed</p>
<div class="card scroll"><table class="stages"><thead><tr><th>stage</th><th style="width: 30%">records</th>${[...COUNTED, ...TOKENS, ...(paid ? ['cost'] : [])].map((name) => html`<th class="number">${name}</th>`)}</tr></thead>
<tbody>${lines}</tbody>
<tfoot><tr><th scope="row" colspan="5">in all</th>${tokens(usage)}${paid && number('cost', money(total))}</tr></tfoot></table></div></section>`;
}

/** The columns of numbers, whose names stand over each number where the page is narrow. */
const COUNTED = ['results', 'set aside', 'failed'];
const TOKENS = ['tokens in', 'tokens out'];

function number(what: string, value: string): Html {
  return html`<td class="number" data-what="${what}">${value}</td>`;
}

function tokens({ prompt_tokens, completion_tokens }: Usage): Html {
  return html`${[prompt_tokens, completion_tokens].map((value, i) => number(TOKENS[i], grouped(value)))}`;
}

/** Results, set aside and failed, one behind the other. */
function lane(counts: readonly number[], most: number): Html {
  let at = 0;
  const parts = counts.map((value, i) => {
    const width = value > 0 ? Math.max(0.4, (100 * value) / most) : 0;
    const rect = html`<rect class="bar c${i}" x="${at.toFixed(2)}" width="${width.toFixed(2)}" height="10"/>`;
    at += width;
    return rect;
  });
  return html`<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>`;
}

function distributionsPart({ clips, captions }: Numbers): Html {
  const cards = [
    chartCard('Length of clips', clips?.seconds),
    chartCard('Tokens of captions', captions?.tokens),
    chartCard('Characters of captions', captions?.characters),
    clips && listCard('Collections', clips.datasets),
    clips && listCard('Kinds of sound', clips.kinds),
    captions && listCard('How captions ended', captions.ends),
    captions && listCard('Models', captions.models),
  ].filter((card) => card instanceof Html);
  return cards.length === 0 ? html`` : html`<section><h2>Distributions</h2><div class="grid">${cards}</div></section>`;
}

function chartCard(title: string, chart: Histogram | undefined): Html | undefined {
  return chart && html`<div class="card"><h3>${title}</h3>${histogram(chart)}</div>`;
}

function listCard(title: string, list: Parameters<typeof bars>[0]): Html | undefined {
  return list.length === 0 ? undefined : html`<div class="card"><h3>${title}</h3>${bars(list)}</div>`;
}

function kindsPart(
  title: string,
  about: string,
  stages: readonly StageNumbers[],
  colour: number,
  of: (stage: StageNumbers) => readonly Kind[],
): Html {
  const cards = stages
    .filter((stage) => of(stage).length > 0)
    .map((stage) => {
      const kinds = of(stage);
      const shown = kinds.filter(({ examples }) => examples.length > 0);
      return html`<div class="card"><h3>${stage.name}</h3>${bars(kinds.map(({ kind, count: n }) => ({ name: kind, count: n, colour })))}
${shown.length > 0 && html`<details><summary>Examples</summary>${shown.map(examplesOf)}</details>`}</div>`;
    });
  return cards.length === 0
    ? html``
    : html`<section><h2>${title}</h2><p class="faint">${about}</p><div class="grid">${cards}</div></section>`;
}

function examplesOf({ kind, examples }: Kind): Html {
  return html`<p><span class="mark bad">${kind}</span></p>${examples.map(
    ({ id, message, caption }) =>
      html`<p><span class="id">${id}</span><br><span class="text">${message}</span></p>${caption && html`<details><summary class="faint">its caption</summary><p class="text">${caption.trim()}</p></details>`}`,
  )}`;
}

function judgementsPart({ variant, scores, parts }: Judgements): Html {
  const cards = parts.map(
    ({ name, input, kept, dimensions }) =>
      html`<div class="card"><h3>${name}: ${grouped(kept)} of ${grouped(input)} kept (${short(input > 0 ? (100 * kept) / input : 0)}%)</h3>${bars(dimensions, 5)}</div>`,
  );
  return html`<section><h2>Judging: ${variant}</h2><p class="faint">Mean of each dimension, 1 to 5.</p>
<div class="grid">${chartCard('Mean scores of dialogues', scores)}${cards}</div></section>`;
}

function samplesPart(samples: readonly Sample[]): Html {
  if (samples.length === 0) return html``;
  return html`<section><h2>Samples</h2>${samples.map(sampleCard)}</section>`;
}

function sumOf(table: Readonly<Record<string, number>>): number {
  return Object.values(table).reduce((sum, value) => sum + value, 0);
}
