/** `bagpiper data label` and `bagpiper data status`: their arguments, options and examples. */
import type { Command } from 'commander';
import type { Start } from '../context.js';
import { examples, numberOf, withOutputFlags } from '../options.js';
import { withEndpoint } from './endpoint.js';

/** @param data the command `bagpiper data` */
export function addLabel(data: Command, start: Start): void {
  const label = withOutputFlags(data.command('label'))
    .description('List sounds and write a rich caption of each; a stopped call goes on when called again.')
    .argument('[source...]', 'folders, patterns, tables (JSONL, CSV, Parquet), s3://bucket/prefix; or NAME=SOURCE')
    .requiredOption('-r, --run <dir>', "the run's folder; made when it is not there")
    .option(
      '--max-seconds <s>',
      'longer sounds are cut where they are quietest (default: 30)',
      numberOf('--max-seconds'),
    )
    .option('--list', 'list the sounds only, without captions')
    .option('--from <file...>', 'take captions from label files (captions_rank*.jsonl) instead')
    .option(
      '-m, --model <dir>',
      'caption with a model here (default, without --endpoint: the small one of this package)',
    )
    .option('--threads <n>', 'of a model here (default: one a core)', numberOf('--threads'));
  withEndpoint(label, {
    endpoint: 'caption by models behind OpenAI-compatible servers, commas between them',
    window: 'clips worked on at once (default: 64; 4 for a model here)',
    prompts: 'a prompt of your own: label/caption.md',
  })
    .option('--temperature <t>', 'of the text (default: as the model has it)', numberOf('--temperature'))
    .option('--max-tokens <n>', 'longest caption (default: 1024)', numberOf('--max-tokens'))
    .option('--seed <n>', 'equal seeds ask for equal captions (default: 0)', numberOf('--seed'))
    .option('--no-prompt', 'send the sound without any text, as captioners want it')
    .option('--limit <n>', 'only the first so many clips', numberOf('--limit'))
    .addHelpText(
      'after',
      examples(
        'bagpiper data label recordings/ --run runs/street --endpoint http://gpu:8000/v1',
        'bagpiper data label "recordings/**/*.flac" voices=clips.parquet --run runs/street --limit 100',
        'bagpiper data label s3://bucket/audio --run runs/street --endpoint http://a:8000/v1,http://b:8000/v1',
        'bagpiper data label --run runs/street --from captions_rank0.jsonl captions_rank1.jsonl',
      ),
    )
    .action((sources: string[], flags) =>
      start(async (context) => (await import('./label.js')).dataLabel(sources, flags, context), flags),
    );
}

export function addStatus(data: Command, start: Start): void {
  withOutputFlags(data.command('status'))
    .description('Say how far the stages of a run are and what they cost; also while it is worked on.')
    .argument('<run>', "the run's folder")
    .addHelpText('after', examples('bagpiper data status runs/street', 'bagpiper data status runs/street --json'))
    .action((run: string, flags) =>
      start(async (context) => (await import('./status.js')).dataStatus(run, flags, context), flags),
    );
}
