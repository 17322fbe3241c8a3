/** The numbers of a report, from the run's manifest and its files. */
import { manifestOf, type StageEntry } from '../run/index.js';
import { FLOWS, judgeStatistics, VARIANTS, type Variant } from '../simulate/index.js';
import type { JsonObject, Label } from '../types.js';
import type { Bar, Histogram } from './charts.js';
import type { Tables } from './tables.js';

/** A record that was set aside or failed. */
export interface Example {
  id: string;
  message: string;
  caption?: string;
}

/** Records of a stage that have no result, by why. */
export interface Kind {
  kind: string;
  count: number;
  examples: Example[];
}

export interface StageNumbers {
  name: string;
  entry: StageEntry;
  aside: Kind[];
  errors: Kind[];
}

/** What judging a variant's dialogues came to. */
export interface Judgements {
  variant: Variant;
  scores: Histogram | undefined;
  /** of a level, kind or group: dialogues, those kept, and the mean of each dimension */
  parts: { name: string; input: number; kept: number; dimensions: Bar[] }[];
}

export interface Numbers {
  stages: StageNumbers[];
  clips: { hours: number; seconds: Histogram | undefined; datasets: Bar[]; kinds: Bar[] } | undefined;
  captions:
    | { tokens: Histogram | undefined; characters: Histogram | undefined; ends: Bar[]; models: Bar[] }
    | undefined;
  judgements: Judgements[];
}

/** Examples of each reason, and bars of a list. */
const EXAMPLES = 2;
const MOST_BARS = 12;

/** The stages' order: that of the work. */
const ORDER = [
  'files',
  'clips',
  'label',
  'filter',
  ...VARIANTS.flatMap((variant) => FLOWS[variant].map(({ stage }) => stage)),
];

/** @param seed chooses examples @throws BagpiperError when there is no run */
export async function gather(folder: string, tables: Tables, seed: number): Promise<Numbers> {
  const { stages } = manifestOf(folder);
  const place = (name: string): number => (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1);
  const names = Object.keys(stages).sort((a, b) => place(a) - place(b));
  const numbers: StageNumbers[] = [];
  for (const name of names) {
    const entry = stages[name] as StageEntry;
    const aside = await kindsOf(tables, name, 'aside', entry.counts.aside, seed);
    const errors = await kindsOf(tables, name, 'error', entry.counts.errors, seed);
    numbers.push({ name, entry, aside, errors });
  }
  const judgements: Judgements[] = [];
  for (const variant of VARIANTS) {
    if (tables.has(`${variant}-dialogues`) && tables.has(`${variant}-judged`)) {
      judgements.push(await judgementsOf(folder, tables, variant));
    }
  }
  return { stages: numbers, clips: await clipsOf(tables), captions: await captionsOf(tables), judgements };
}

async function kindsOf(
  tables: Tables,
  stage: string,
  outcome: 'aside' | 'error',
  counts: Readonly<Record<string, number>>,
  seed: number,
): Promise<Kind[]> {
  const kinds = Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  if (kinds.length === 0 || !tables.has(stage)) return kinds.map(([kind, count]) => ({ kind, count, examples: [] }));
  // The least hashes of each kind: memory for those alone, however many records there are.
  const rows = await tables.rows<{ kind: string; id: string; message: string }>(
    `WITH found AS (
       SELECT id, ${outcome}->>'$.kind' AS kind, ${outcome}->>'$.message' AS message FROM @${stage} WHERE ${outcome} IS NOT NULL
     ), chosen AS (
       SELECT kind, unnest(min_by({id: id, message: message}, md5(id || $seed), ${EXAMPLES})) AS one FROM found GROUP BY kind
     )
     SELECT kind, one.id AS id, one.message AS message FROM chosen ORDER BY kind, md5(id || $seed)`,
    { seed: String(seed) },
  );
  const labels =
    stage === 'filter'
      ? await tables.results<Label>(
          'label',
          rows.map(({ id }) => id),
        )
      : [];
  const captions = new Map(labels.map(({ id, caption }) => [id, caption]));
  return kinds.map(([kind, count]) => ({
    kind,
    count,
    examples: rows
      .filter((row) => row.kind === kind)
      .map(({ id, message }) => {
        const caption = captions.get(id);
        return { id, message, ...(caption && { caption }) };
      }),
  }));
}

async function clipsOf(tables: Tables): Promise<Numbers['clips']> {
  if (!tables.has('clips')) return undefined;
  const {
    numbers: [seconds],
    words: [datasets, kinds],
  } = await tables.distributions(
    'clips',
    [{ path: '$.seconds', least: 0.1, unit: 'seconds' }],
    ['$.dataset', '$.kind'],
  );
  return {
    hours: seconds.sum / 3600,
    seconds: seconds.histogram,
    datasets: barsOf(datasets),
    kinds: barsOf(kinds),
  };
}

async function captionsOf(tables: Tables): Promise<Numbers['captions']> {
  if (!tables.has('label')) return undefined;
  const {
    numbers: [tokens, characters],
    words: [ends, models],
  } = await tables.distributions(
    'label',
    [
      { path: '$.usage.completion_tokens', least: 1, unit: 'tokens' },
      { path: '$.caption', least: 10, unit: 'characters', length: true },
    ],
    ['$.finish_reason', '$.model'],
  );
  return {
    tokens: tokens.histogram,
    characters: characters.histogram,
    ends: barsOf(ends),
    models: barsOf(models),
  };
}

/** The most frequent first; what is rare is put together. */
function barsOf(counts: ReadonlyMap<string, number>): Bar[] {
  if ([...counts.keys()].every((name) => name === '')) return [];
  const all = [...counts]
    .map(([name, count]) => ({ name: name === '' ? '(not known)' : name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  if (all.length <= MOST_BARS) return all;
  const rest = all.splice(MOST_BARS - 1);
  const count = rest.reduce((total, bar) => total + bar.count, 0);
  return [...all, { name: `${rest.length} others`, count }];
}

async function judgementsOf(folder: string, tables: Tables, variant: Variant): Promise<Judgements> {
  const statistics = await judgeStatistics(folder, variant);
  const parts = statistics.names.map((name) => {
    const { avg_scores } = statistics.judgeSummary(name);
    const { total_input, total_passed } = statistics.filterSummary(name);
    const dimensions = Object.entries(avg_scores as JsonObject).map(([dimension, mean]) => ({
      name: dimension,
      count: Number(mean),
      text: Number(mean).toFixed(2),
    }));
    return { name, input: Number(total_input), kept: Number(total_passed), dimensions };
  });
  const { numbers } = await tables.distributions(`${variant}-judged`, [
    { path: '$.overall_score', least: 0.1, most: 40, unit: 'mean score' },
  ]);
  return { variant, scores: numbers[0].histogram, parts };
}
