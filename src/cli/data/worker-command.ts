/** `bagpiper data worker`: its options and examples. */
import type { Command } from 'commander';
import type { Start } from '../context.js';
import { examples, numberOf, withOutputFlags } from '../options.js';

/** @param data the command `bagpiper data` */
export function addWorker(data: Command, start: Start): void {
  withOutputFlags(data.command('worker'))
    .description('Work on what others hand out with --queue; Ctrl-C or SIGTERM finishes what is in hand and ends.')
    .option('--queue <url>', 'address of a Redis (default: BAGPIPER_QUEUE of the environment)')
    .option('--jobs <n>', 'records worked on at once (default: 32)', numberOf('--jobs'))
    .option(
      '--lost-after <s>',
      "silence after which a worker's records go to others; equal for all workers (default: 30)",
      numberOf('--lost-after'),
    )
    .option('--list', 'only say who works, and how much there is to do')
    .addHelpText(
      'after',
      examples(
        'bagpiper data label recordings/ --run runs/street --endpoint http://gpu:8000/v1 --queue redis://host:6379',
        'bagpiper data worker --queue redis://host:6379 --jobs 64',
        'bagpiper data worker --queue redis://host:6379 --list',
      ),
    )
    .action((flags) => start(async (context) => (await import('./worker.js')).dataWorker(flags, context), flags));
}
