/** A run's files as DuckDB sees them: so that numbers of millions of records are counted in a bounded memory. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { stageFile } from '../run/index.js';
import type { Histogram } from './charts.js';

/** A record may be this long, in bytes. */
const LONGEST = 16 << 20;

/** DuckDB takes some characters for patterns; a folder that has them is reached by another name, until it is freed. */
export async function plainPath(folder: string): Promise<{ path: string; free: () => Promise<void> }> {
  if (!/[*?[\]{}]/.test(folder)) return { path: folder, free: () => Promise.resolve() };
  const other = await mkdtemp(join(tmpdir(), 'bagpiper-report-'));
  const free = (): Promise<void> => rm(other, { recursive: true, force: true });
  try {
    await symlink(folder, join(other, 'run'), 'junction');
    return { path: join(other, 'run'), free };
  } catch (error) {
    await free();
    throw error;
  }
}

/** A number that is to be counted in buckets. */
export interface Measured {
  /** smallest width of a bucket */
  least: number;
  /** at most so many buckets; default 40 */
  most?: number;
  unit: string;
  /** the number is the length of a text, in characters */
  length?: boolean;
}

export interface Distribution {
  sum: number;
  /** undefined where no record has the number */
  histogram: Histogram | undefined;
}

interface Pair {
  key: string | number;
  value: string | number;
}

export class Tables {
  constructor(
    private readonly connection: DuckDBConnection,
    private readonly folder: string,
  ) {}

  has(stage: string): boolean {
    // Names come from the run's manifest, which may come from anywhere, and go into queries.
    return /^[a-z]+(-[a-z]+)*$/.test(stage) && existsSync(stageFile(this.folder, stage));
  }

  /** Rows of a query. `@name` stands for the lines of a stage: columns id, result, aside, error and usage, JSON but for the first. */
  async rows<R extends object>(sql: string, values: Record<string, string | number> = {}): Promise<R[]> {
    const whole = sql.replace(/@([a-z]+(?:-[a-z]+)*)/g, (_, stage: string) => this.source(stage));
    const result = await this.connection.runAndReadAll(whole, values);
    return result.getRowObjectsJson() as R[];
  }

  /** The results of some records, in the order of the file; of a stage that is not there, none. */
  async results<R>(stage: string, ids: readonly string[], key = 'id'): Promise<R[]> {
    if (ids.length === 0 || !this.has(stage)) return [];
    const names = ids.map((_, i) => `$id${i}`).join(', ');
    const rows = await this.rows<{ result: string }>(
      `SELECT result FROM @${stage} WHERE result IS NOT NULL AND ${key} IN (${names})`,
      Object.fromEntries(ids.map((id, i) => [`id${i}`, id])),
    );
    return rows.map(({ result }) => JSON.parse(result) as R);
  }

  /** Some of the ids of a stage's results: those with the least hashes, so that memory is needed for them alone. */
  async draw(stage: string, count: number, seed: number, key = 'id'): Promise<string[]> {
    if (count === 0 || !this.has(stage)) return [];
    const rows = await this.rows<{ id: string }>(
      `SELECT ${key} AS id FROM @${stage} WHERE result IS NOT NULL ORDER BY md5(${key} || $seed), 1 LIMIT ${count}`,
      { seed: String(seed) },
    );
    return rows.map(({ id }) => id);
  }

  /**
   * How numbers and words are distributed over the results of a stage, in one reading of its file.
   * @param numbers JSON paths in the result, as in `$.seconds`, and the smallest width of their buckets
   * @param words JSON paths of names of which there are few
   */
  async distributions(
    stage: string,
    numbers: readonly (Measured & { path: string })[],
    words: readonly string[] = [],
  ): Promise<{ numbers: Distribution[]; words: Map<string, number>[] }> {
    const columns = [
      ...numbers.flatMap(({ path, least, length }, i) => {
        const text = `(result->>'${path}')`;
        const value = length ? `length(${text})` : `try_cast(${text} AS DOUBLE)`;
        // Binary fractions: 0.3 / 0.1 is a little below 3.
        const bucket = `CAST(floor(${value} / ${least} + 1e-9) AS BIGINT)`;
        const known = `FILTER (WHERE isfinite(${value}))`;
        return [`histogram(${bucket}) ${known} AS n${i}`, `sum(${value}) ${known} AS s${i}`];
      }),
      ...words.map((path, i) => `histogram(coalesce(result->>'${path}', '')) AS w${i}`),
    ];
    const [row] = await this.rows<Record<string, Pair[] | number | string | null>>(
      `SELECT ${columns.join(', ')} FROM @${stage} WHERE result IS NOT NULL`,
    );
    const pairs = (name: string): Map<string, number> =>
      new Map(((row?.[name] ?? []) as Pair[]).map(({ key, value }) => [String(key), Number(value)]));
    return {
      numbers: numbers.map((measured, i) => ({
        sum: Number(row?.[`s${i}`] ?? 0),
        histogram: coarser(pairs(`n${i}`), measured),
      })),
      words: words.map((_, i) => pairs(`w${i}`)),
    };
  }

  /** What stands for the lines of a stage in a query. */
  source(stage: string): string {
    const path = stageFile(this.folder, stage).replaceAll("'", "''");
    // While a stage runs its file may end within a line: that one is left out.
    return `read_json('${path}', format = 'newline_delimited', ignore_errors = true, maximum_object_size = ${LONGEST}, columns = {id: 'VARCHAR', result: 'JSON', aside: 'JSON', error: 'JSON', usage: 'JSON'})`;
  }
}

/** Puts buckets of the smallest width together, so that there are few of a round width. */
function coarser(counts: ReadonlyMap<string, number>, { least, most = 40, unit }: Measured): Histogram | undefined {
  if (counts.size === 0) return undefined;
  const keys = [...counts.keys()].map(Number).sort((a, b) => a - b);
  const width = roundWidth(((keys[keys.length - 1] - keys[0]) * least) / most, least);
  const sums = new Map<number, number>();
  for (const key of keys) {
    const bucket = Math.floor((key * least) / width + 1e-9);
    sums.set(bucket, (sums.get(bucket) ?? 0) + (counts.get(String(key)) ?? 0));
  }
  return { width, unit, buckets: [...sums].map(([bucket, count]) => ({ from: bucket * width, count })) };
}

/** 1, 2 or 5 times a power of ten, at least `rough`. */
export function roundWidth(rough: number, least: number): number {
  const wanted = Math.max(rough, least);
  if (!(wanted > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const factor = [1, 2, 5, 10].find((f) => f * power >= wanted * (1 - 1e-9)) ?? 10;
  // A power below one is not exact; its inverse is.
  return power < 1 ? factor / Math.round(1 / power) : factor * power;
}
