/** Questions to a run in SQL: its stages are tables. */
import { resolve } from 'node:path';
import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import { BagpiperError, messageOf } from '../../errors.js';
import type { Json, JsonObject } from '../../json.js';
import { manifestOf } from '../run/index.js';
import { openDuckDB } from '../source/index.js';
import { plainPath, Tables } from './tables.js';

export interface QueryOptions {
  signal?: AbortSignal;
}

/**
 * Asks a run. Each stage is a table named as it, with `_` for `-`: columns id, state (result, aside or error), kind and message (why
 * there is no result), result and usage (JSON). Nothing can be written, and no other files than the run's can be read; another
 * process may work on the run meanwhile.
 *
 * @param sql one SELECT of DuckDB's SQL (also DESCRIBE, SHOW TABLES, SUMMARIZE)
 * @returns (by the generator) the rows, some thousands at a time, by column: JSON parsed, whole numbers as numbers
 * @throws BagpiperError when there is no run, or for SQL that cannot be answered; the signal's reason
 */
export async function* queryRun(
  run: string,
  sql: string,
  { signal }: QueryOptions = {},
): AsyncGenerator<JsonObject[], void, void> {
  const stages = Object.keys(manifestOf(run).stages);
  const plain = await plainPath(resolve(run));
  const { connection, close } = await openDuckDB('Queries').catch(async (error: unknown) => {
    await plain.free();
    throw error;
  });
  let stopping: NodeJS.Timeout | undefined;
  const stop = (): void => {
    connection.interrupt();
    // What is not running yet does not hear it.
    stopping = setInterval(() => connection.interrupt(), 50);
  };
  try {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', stop, { once: true });
    const tables = new Tables(connection, plain.path);
    const there = stages.filter((stage) => tables.has(stage));
    for (const stage of there) await connection.run(viewOf(tables, stage));
    await lock(connection, plain.path);
    signal?.throwIfAborted();
    yield* answers(connection, sql, there.map(nameOf));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    clearInterval(stopping);
    close();
    await plain.free();
  }
}

const nameOf = (stage: string): string => stage.replaceAll('-', '_');

function viewOf(tables: Tables, stage: string): string {
  return `CREATE VIEW "${nameOf(stage)}" AS SELECT id,
    CASE WHEN result IS NOT NULL THEN 'result' WHEN aside IS NOT NULL THEN 'aside' ELSE 'error' END AS state,
    coalesce(aside->>'kind', error->>'kind') AS kind, coalesce(aside->>'message', error->>'message') AS message, result, usage
    FROM ${tables.source(stage)} WHERE id IS NOT NULL`;
}

/** From here on the run's folder can be read, and nothing else. */
async function lock(connection: DuckDBConnection, folder: string): Promise<void> {
  await connection.run(`SET allowed_directories = ['${folder.replaceAll("'", "''")}']`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

async function* answers(
  connection: DuckDBConnection,
  sql: string,
  tables: readonly string[],
): AsyncGenerator<JsonObject[], void, void> {
  const { JsonDuckDBValueConverter, StatementType } = await import('@duckdb/node-api');
  try {
    if (/^(\s|;|--.*)*$/.test(sql)) throw new BagpiperError('The query is empty; give a SELECT.');
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) {
      throw new BagpiperError(`The query has ${statements.count} statements; give one SELECT.`);
    }
    const statement = await statements.prepare(0);
    if (statement.statementType !== StatementType.SELECT) {
      const kind = StatementType[statement.statementType] ?? 'something else';
      throw new BagpiperError(`The query is no SELECT but ${kind}; a run is only read.`);
    }
    const result = await statement.stream();
    const names = result.deduplicatedColumnNames();
    const types = result.columnTypes();
    for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      const rows = chunk.convertRows(JsonDuckDBValueConverter);
      yield rows.map((row) => Object.fromEntries(names.map((name, c) => [name, plainValue(row[c] as Json, types[c])])));
    }
  } catch (error) {
    throw error instanceof BagpiperError ? error : refusal(error, tables);
  }
}

/** Numbers that the converter spells out as text, since some are too large, and JSON. */
function plainValue(value: Json, type: DuckDBType): Json {
  if (typeof value !== 'string') return value;
  if (type.alias === 'JSON') {
    try {
      return JSON.parse(value) as Json;
    } catch {
      return value;
    }
  }
  if (!/^(U?BIGINT|U?HUGEINT|DECIMAL)/.test(type.toString())) return value;
  const number = Number(value);
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? value : number;
}

/** DuckDB's complaint in one sentence, without the picture of the query. */
function refusal(error: unknown, tables: readonly string[]): BagpiperError {
  const [text] = String(error instanceof Error ? error.message : error).split(/\n\s*LINE \d+:/);
  const said = messageOf(text)
    .replace(/^Failed to extract statements: /, '')
    .replace(/[.!]$/, '');
  return new BagpiperError(
    `The query cannot be answered: ${said}; tables are ${tables.join(', ') || 'none yet'} (docs/data-report.md).`,
  );
}
