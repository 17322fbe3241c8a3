/** `bagpiper data report` and `bagpiper data query`: their arguments, options and examples. */
import type { Command } from 'commander';
import type { Start } from '../context.js';
import { examples, numberOf, withOutputFlags } from '../options.js';

/** @param data the command `bagpiper data` */
export function addReport(data: Command, start: Start): void {
  withOutputFlags(data.command('report'))
    .description('Show a run on one HTML page: counts, costs, distributions, failures, and samples to hear.')
    .argument('<run>', "the run's folder")
    .option('-o, --out <file.html>', 'file to write (default: report.html in the run)')
    .option('--samples <n>', 'clips to hear (default: 8)', numberOf('--samples'))
    .option('--seed <n>', 'chooses samples and examples (default: 0)', numberOf('--seed'))
    .option('--megabytes <mb>', 'the most that sounds and pictures take (default: 24)', numberOf('--megabytes'))
    .addHelpText(
      'after',
      examples(
        'bagpiper data report runs/street',
        'bagpiper data report runs/street -o street.html --samples 20 --seed 7',
      ),
    )
    .action((run: string, flags) =>
      start(async (context) => (await import('./report.js')).dataReport(run, flags, context), flags),
    );
}

/** @param data the command `bagpiper data` */
export function addQuery(data: Command, start: Start): void {
  withOutputFlags(data.command('query'))
    .description('Ask a run in SQL: its stages are tables (docs/data-report.md). It is only read.')
    .argument('<run>', "the run's folder")
    .argument('<sql>', 'a SELECT; "SHOW TABLES" lists the stages')
    .addHelpText(
      'after',
      examples(
        'bagpiper data query runs/street "SELECT kind, count(*) AS n FROM filter WHERE state = \'aside\' GROUP BY 1 ORDER BY 2 DESC"',
        'bagpiper data query runs/street "SELECT id, result->>\'caption\' AS caption FROM label" --json',
      ),
    )
    .action((run: string, sql: string, flags) =>
      start(async (context) => (await import('./query.js')).dataQuery(run, sql, flags, context), flags),
    );
}
