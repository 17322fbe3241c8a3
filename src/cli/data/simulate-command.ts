/** `bagpiper data simulate` and `bagpiper data judge`: their arguments, options and examples. */
import type { Command } from 'commander';
import type { Start } from '../context.js';
import { examples, numberOf, withOutputFlags } from '../options.js';
import { withEndpoint } from './endpoint.js';

/** Options of both: which models, how many requests, which prompts. */
function withModels(command: Command): Command {
  const words = {
    endpoint: 'address of an OpenAI-compatible server, or several with commas between',
    window: 'records worked on at once (default: 64)',
    prompts: 'prompt files of your own; what is not there is taken from the package',
    required: true,
  };
  return withEndpoint(withOutputFlags(command), words).option(
    '--seed <n>',
    'equal seeds ask equal questions (default: 0)',
    numberOf('--seed'),
  );
}

/** @param data the command `bagpiper data` */
export function addSimulate(data: Command, start: Start): void {
  withModels(data.command('simulate'))
    .description("Make dialogues to fine-tune with from a run's captions; a stopped call goes on when called again.")
    .argument('<variant>', 'generation (requests for sound), understanding (questions about it), tts (speech and song)')
    .argument('<run>', "the run's folder")
    .option('--thinking-endpoint <url>', 'another server for the thinking (default: --endpoint)')
    .option('--thinking-model <name>', 'another model for the thinking')
    .option('--limit <n>', 'only the first so many clips', numberOf('--limit'))
    .option('--levels <names>', 'generation: realistic, imaginary (default: both)')
    .option('--system <text>', 'generation: the system turn, "" for none (default: that of the verbs)')
    .option('--questions <n>', 'understanding: questions a clip (default: 2)', numberOf('--questions'))
    .option(
      '--groups <names>',
      'tts: classical, general, multi-talker, role-play, intent-to-speech, singing (default: all)',
    )
    .option('--every-group', 'tts: every group that suits a clip, instead of one of them')
    .addHelpText(
      'after',
      examples(
        'bagpiper data simulate generation runs/street --endpoint http://gpu:8000/v1',
        'bagpiper data simulate understanding runs/street --endpoint http://a:8000/v1,http://b:8000/v1 --questions 4',
        'bagpiper data simulate tts runs/voices --endpoint http://gpu:8000/v1 --groups role-play --limit 1000',
      ),
    )
    .action((variant: string, run: string, flags) =>
      start(async (context) => (await import('./simulate.js')).dataSimulate(variant, run, flags, context), flags),
    );
  withModels(data.command('judge'))
    .description("Judge a run's dialogues on every dimension of a rubric, and sum up; only what passes is exported.")
    .argument('<run>', "the run's folder")
    .addHelpText(
      'after',
      examples('bagpiper data judge runs/street --endpoint http://gpu:8000/v1 --llm-model Qwen3-235B'),
    )
    .action((run: string, flags) =>
      start(async (context) => (await import('./simulate.js')).dataJudge(run, flags, context), flags),
    );
}
