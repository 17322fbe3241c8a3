/** A run's files as DuckDB sees them: so that numbers of millions of records are counted in a bounded memory. */
import { existsSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { stageFile } from '../run/index.js';
import type { Histogram } from './charts.js';

/** A record may be this long, in bytes. */
const LONGEST = 16 << 20;

export class Tables {
  constructor(
    private readonly connection: DuckDBConnection,
    private readonly folder: string,
  ) {}

  has(stage: string): boolean {
    // Names come from the run's manifest, which may come from anywhere, and go into queries.
    return /^[a-z]+(-[a-z]+)*$/.test(stage) && existsSync(stageFile(this.folder, stage));
  }

  /** Rows of a query. `@name` stands for the lines of a stage: columns id, result, aside and error, the last three JSON. */
  async rows<R extends object>(sql: string, values: Record<string, string | number> = {}): Promise<R[]> {
    const whole = sql.replace(/@([a-z]+(?:-[a-z]+)*)/g, (_, stage: string) => this.source(stage));
    const result = await this.connection.runAndReadAll(whole, values);
    return result.getRowObjectsJson() as R[];
  }

  /**
   * How a number is distributed over the results of a stage.
   * @param value JSON path in the result, as in `$.seconds`
   * @param most buckets; their width is a round number
   * @param least width of a bucket
   */
  async histogram(stage: string, value: string, unit: string, most = 40, least = 0): Promise<Histogram | undefined> {
    return this.spread(stage, `try_cast(result->>'${value}' AS DOUBLE)`, unit, most, least);
  }

  /** How many words a text has, over the results of a stage. */
  async words(stage: string, value: string): Promise<Histogram | undefined> {
    const count = `length(regexp_split_to_array(trim(result->>'${value}'), '\\s+'))`;
    return this.spread(stage, count, 'words', 40, 1);
  }

  private async spread(
    stage: string,
    expression: string,
    unit: string,
    most: number,
    least: number,
  ): Promise<Histogram | undefined> {
    const numbers = `SELECT CAST(${expression} AS DOUBLE) AS v FROM @${stage} WHERE result IS NOT NULL`;
    const [range] = await this.rows<{ low: number | null; high: number | null }>(
      `SELECT min(v) AS low, max(v) AS high FROM (${numbers}) WHERE isfinite(v)`,
    );
    if (range?.low === null || range?.high === null || range === undefined) return undefined;
    const width = roundWidth((range.high - range.low) / most, least);
    // Binary fractions: 0.3 / 0.1 is a little below 3.
    const found = await this.rows<{ bucket: number; count: string }>(
      `SELECT floor(v / ${width} + 1e-9) AS bucket, count(*) AS count FROM (${numbers}) WHERE isfinite(v) GROUP BY 1 ORDER BY 1`,
    );
    const buckets = found.map(({ bucket, count }) => ({ from: bucket * width, count: Number(count) }));
    return { width, unit, buckets };
  }

  private source(stage: string): string {
    const path = stageFile(this.folder, stage).replaceAll("'", "''");
    // While a stage runs its file may end within a line: that one is left out.
    return `read_json('${path}', format = 'newline_delimited', ignore_errors = true, maximum_object_size = ${LONGEST}, columns = {id: 'VARCHAR', result: 'JSON', aside: 'JSON', error: 'JSON'})`;
  }
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
