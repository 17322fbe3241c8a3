/** The numbers of a report, from the run's manifest and its files. */
import { manifestOf, type StageEntry } from '../run/index.js';
import { FLOWS, judgeStatistics, VARIANTS, type Variant } from '../simulate/index.js';
import type { JsonObject } from '../types.js';
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
  captions: { tokens: Histogram | undefined; words: Histogram | undefined; ends: Bar[]; models: Bar[] } | undefined;
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
  const captioned = stage === 'filter' && tables.has('label');
  const rows = await tables.rows<{ kind: string; id: string; message: string; caption?: string }>(
    `WITH found AS (
       SELECT id, ${outcome}->>'$.kind' AS kind, ${outcome}->>'$.message' AS message FROM @${stage} WHERE ${outcome} IS NOT NULL
     ), chosen AS (
       SELECT * FROM found QUALIFY row_number() OVER (PARTITION BY kind ORDER BY md5(id || $seed), id) <= ${EXAMPLES}
     )
     ${
       captioned
         ? "SELECT chosen.*, label.result->>'$.caption' AS caption FROM chosen LEFT JOIN @label AS label ON label.id = chosen.id AND label.result IS NOT NULL"
         : 'SELECT * FROM chosen'
     } ORDER BY kind, md5(chosen.id || $seed)`,
    { seed: String(seed) },
  );
  return kinds.map(([kind, count]) => ({
    kind,
    count,
    examples: rows
      .filter((row) => row.kind === kind)
      .slice(0, EXAMPLES)
      .map(({ id, message, caption }) => ({ id, message, ...(caption && { caption }) })),
  }));
}

async function clipsOf(tables: Tables): Promise<Numbers['clips']> {
  if (!tables.has('clips')) return undefined;
  const [sum] = await tables.rows<{ hours: number | null }>(
    "SELECT sum(try_cast(result->>'$.seconds' AS DOUBLE)) / 3600 AS hours FROM @clips WHERE result IS NOT NULL",
  );
  return {
    hours: sum?.hours ?? 0,
    seconds: await tables.histogram('clips', '$.seconds', 'seconds', 40, 0.1),
    datasets: await countsOf(tables, 'clips', '$.dataset'),
    kinds: await countsOf(tables, 'clips', '$.kind'),
  };
}

async function captionsOf(tables: Tables): Promise<Numbers['captions']> {
  if (!tables.has('label')) return undefined;
  return {
    tokens: await tables.histogram('label', '$.usage.completion_tokens', 'tokens', 40, 1),
    words: await tables.words('label', '$.caption'),
    ends: await countsOf(tables, 'label', '$.finish_reason'),
    models: await countsOf(tables, 'label', '$.model'),
  };
}

/** How often each value occurs; what is rare is counted together. */
async function countsOf(tables: Tables, stage: string, value: string): Promise<Bar[]> {
  const rows = await tables.rows<{ name: string | null; count: string }>(
    `SELECT result->>'${value}' AS name, count(*) AS count FROM @${stage} WHERE result IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1`,
  );
  if (rows.every(({ name }) => name === null)) return [];
  const all = rows.map(({ name, count }) => ({ name: name ?? '(not known)', count: Number(count) }));
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
  return {
    variant,
    scores: await tables.histogram(`${variant}-judged`, '$.overall_score', 'mean score', 16, 0.1),
    parts,
  };
}
