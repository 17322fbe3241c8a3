/** `bagpiper data export` and `bagpiper data import`: their arguments, options and examples. */
import type { Command } from 'commander';
import type { Start } from '../context.js';
import { examples, numberOf, withOutputFlags } from '../options.js';

/** @param data the command `bagpiper data` */
export function addExport(data: Command, start: Start): void {
  withOutputFlags(data.command('export'))
    .description('Write captions and dialogues of a run in the form that others train on.')
    .argument('<format>', "espnet (the official recipe), parquet (the hub), chat (OpenAI's form)")
    .argument('<run>', "the run's folder")
    .requiredOption('-o, --out <dir>', 'folder to write to; a stopped export goes on when called again')
    .option('--valid <part>', 'part of the clips that is held out (default: 0.02)', numberOf('--valid'))
    .option('--tokenizer <dir>', 'espnet: folder with the tokenizer.json of Qwen3-8B-Base, for the length statistics')
    .option('--name <name>', "espnet: begins the names of the data sets (default: the run folder's)")
    .option('--attention <backend>', 'espnet: flash_attention_3 (Hopper; default), flash_attention_2 or sdpa')
    .option('--audio <where>', 'chat: inline (base64; default) or files')
    .addHelpText(
      'after',
      examples(
        'bagpiper data export espnet runs/street --out exports/street --tokenizer qwen3',
        'bagpiper data export parquet runs/street --out hub/street',
        'bagpiper data export chat runs/street --out chat --audio files',
      ),
    )
    .action((format: string, run: string, flags) =>
      start(async (context) => (await import('./export.js')).dataExport(format, run, flags, context), flags),
    );
  withOutputFlags(data.command('import'))
    .description('Take dialogues that others wrote into a run, to be judged and exported there.')
    .argument('<variant>', 'generation, understanding or tts')
    .argument('<run>', "the run's folder; made when it is not there")
    .argument('<file...>', "dialogue files (.jsonl) of ESPnet's recipe, or its inference's results.json")
    .addHelpText(
      'after',
      examples(
        'bagpiper data import generation runs/others dialogues_realistic.jsonl',
        'bagpiper data import understanding runs/answers exp/inference/inference_rank*/results.json',
      ),
    )
    .action((variant: string, run: string, files: string[], flags) =>
      start(async (context) => (await import('./import.js')).dataImport(variant, run, files, flags, context), flags),
    );
}
