/** `bagpiper data filter`: its arguments, options and examples. */
import type { Command } from 'commander';
import type { Start } from '../context.js';
import { examples, numberOf, withOutputFlags } from '../options.js';
import { withEndpoint } from './endpoint.js';

/** @param data the command `bagpiper data` */
export function addFilter(data: Command, start: Start): void {
  const filter = withOutputFlags(data.command('filter'))
    .description('Keep the captions that are worth training on, and say why others are not (docs/data-filters.md).')
    .argument('<input...>', "the run's folder; or label files of upstream (captions_rank*.jsonl) with --out")
    .option('-o, --out <dir>', 'for label files: folder to write to')
    .option('--again', 'filter anew what an earlier call has finished');
  withLimits(filter);
  withSides(filter);
  withJudge(filter)
    .addHelpText(
      'after',
      examples(
        'bagpiper data filter runs/street',
        'bagpiper data filter runs/street --tokens 100:1024 --max-wer 0.1 --no-language',
        'bagpiper data filter runs/street --endpoint http://gpu:8000/v1 --for understanding',
        'bagpiper data filter captions_rank*.jsonl --out filtered --mos mos.jsonl --clap clap.jsonl --require audio_type=speech',
      ),
    )
    .action((inputs: string[], flags) =>
      start(async (context) => (await import('./filter.js')).dataFilter(inputs, flags, context), flags),
    );
}

function withLimits(command: Command): Command {
  return command
    .option('-c, --config <file.json>', 'limits as JSON; flags go before')
    .option('--tokens <min:max>', 'of a caption (default: 200:800)')
    .option('--duration <min:max>', 'seconds of a clip (default: 2:30)')
    .option('--word-length <min:max>', 'mean characters a word (default: 2:15)')
    .option('--max-char-run <n>', 'longest run of one character (default: 5)', numberOf('--max-char-run'))
    .option('--max-word-run <n>', 'longest run of one word (default: 3)', numberOf('--max-word-run'))
    .option('--max-repetition <share>', 'of 5-grams (default: 0.1)', numberOf('--max-repetition'))
    .option('--min-unique <share>', 'different words (default: 0.3)', numberOf('--min-unique'))
    .option('--max-uppercase <share>', 'of letters (default: 0.5)', numberOf('--max-uppercase'))
    .option('--min-english <share>', 'English function words (default: 0.25)', numberOf('--min-english'))
    .option('--max-wer <rate>', 'words quoted against the transcript (default: 0.3)', numberOf('--max-wer'))
    .option('--similarity <share>', 'from which captions are the same (default: 0.8)', numberOf('--similarity'))
    .option('--lenient', 'do not judge what is not known: duration, tokens, reason to end')
    .option('--no-language', 'captions in any language')
    .option('--no-transcript', 'do not compare with transcripts')
    .option('--no-duplicates', 'keep near-duplicates');
}

function withSides(command: Command): Command {
  return command
    .option('--transcripts <file>', 'what was said: JSONL or lines "id words" (default: the run\'s clips)')
    .option('--delete-ids <file...>', 'ids to remove (utt_id or id), as of an earlier run')
    .option('--judgements <file>', 'JSONL of a judge (upstream: response), joined by id')
    .option('--mos <file>', 'JSONL with MEAN, joined by id')
    .option('--clap <file>', 'JSONL with cosine_similarity')
    .option('--aesthetics <file>', 'JSONL with MEAN')
    .option('--text-to-audio <file>', 'JSONL of row lengths {"id": 123}')
    .option('--audio-to-text <file>', 'the same for the other direction')
    .option('--require <field=value...>', 'of joined fields: numbers above (whole ones from) the value, words equal')
    .option('--kind <kind>', 'speech, music or sound, where no judge tells it')
    .option('--for <direction>', 'draw by score as for understanding or generation (default: T 0.1, discard 0.2)')
    .option('--seed <n>', 'of the draw (default: 42)', numberOf('--seed'))
    .option('--no-top-k', 'keep all that have a score');
}

function withJudge(command: Command): Command {
  const words = {
    endpoint: 'judge captions by a model at OpenAI-compatible servers, commas between them',
    window: 'captions judged at once (default: 64)',
    prompts: 'prompts of your own: filter/judge.md, filter/agreement.md',
  };
  return withEndpoint(command, words)
    .option('--hear', 'the model hears: judge also whether caption and sound agree')
    .option('--min-agreement <1..5>', 'of caption and sound (default: 3)', numberOf('--min-agreement'));
}
