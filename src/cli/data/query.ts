/** `bagpiper data query RUN "SQL"`: a question to a run, answered as a table or as JSON lines. */
import type { Json, JsonObject } from '../../json.js';
import type { Context } from '../context.js';

export interface QueryFlags {
  json?: boolean;
}

/** Rows of a table on the terminal, and characters of a cell; --json shows all. */
const ROWS = 200;
const WIDEST = 80;

/** Prints the rows. */
export async function dataQuery(
  run: string,
  sql: string,
  flags: QueryFlags,
  { screen, signal }: Context,
): Promise<void> {
  const { queryRun } = await import('../../data/report/index.js');
  const shown: JsonObject[] = [];
  for await (const rows of queryRun(run, sql, { signal })) {
    if (flags.json) {
      await screen.result(rows.map((row) => JSON.stringify(row)).join('\n'));
      continue;
    }
    shown.push(...rows);
    if (shown.length > ROWS) break;
  }
  if (flags.json) return;
  if (shown.length === 0) {
    screen.announce('No rows.');
    return;
  }
  await screen.result(tableOf(shown.slice(0, ROWS)));
  if (shown.length > ROWS) screen.announce(`These are the first ${ROWS} rows; --json shows all.`);
}

/** Columns with spaces between, numbers to the right. */
function tableOf(rows: readonly JsonObject[]): string {
  const names = Object.keys(rows[0]);
  const lines = [names, ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, c) => Math.max(...lines.map((line) => line[c].length)));
  const right = names.map((name) => rows.every((row) => row[name] === null || typeof row[name] === 'number'));
  const text = (line: readonly string[]): string =>
    line
      .map((part, c) => (right[c] ? part.padStart(widths[c]) : part.padEnd(widths[c])))
      .join('  ')
      .trimEnd();
  return [text(lines[0]), text(widths.map((width) => '-'.repeat(width))), ...lines.slice(1).map(text)].join('\n');
}

function cell(value: Json): string {
  if (value === null) return '';
  // Also what would move the cursor or turn the text around.
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[\p{C}\s]+/gu, ' ');
  return text.length > WIDEST ? `${text.slice(0, WIDEST - 3)}...` : text;
}
