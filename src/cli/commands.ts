/**
 * Every command with its arguments, options and examples. Only this is read for `--help`; what a command does is
 * imported when it runs.
 */
import { Command } from 'commander';
import type { Start } from './context.js';
import { addData } from './data/commands.js';
import { examples, numberOf, withModelFlags, withOutputFlags, withServerFlags } from './options.js';

export function buildProgram(version: string, start: Start): Command {
  const program = new Command('bagpiper')
    .description('Describes what it hears, answers questions about it, and renders described scenes to sound.')
    .version(version)
    .addHelpText(
      'after',
      examples(
        'bagpiper describe street.mp3',
        'bagpiper ask street.mp3 "Is anyone speaking?" --model http://localhost:9811/v1',
        'bagpiper render "A dog barks twice in a large hall." -o dog.wav',
        'bagpiper describe a.wav | bagpiper render - -o b.wav',
      ),
    );
  addDescribe(program, start);
  addAsk(program, start);
  addRender(program, start);
  addPull(program, start);
  addConvert(program, start);
  addPrepare(program, start);
  addTrain(program, start);
  addData(program, start);
  addChecks(program, start);
  return program;
}

function addDescribe(program: Command, start: Start): void {
  withModelFlags(program.command('describe'), 'text')
    .description('Describe sounds: a rich caption of each file.')
    .argument('<file...>', 'sound files (WAV, FLAC, MP3, Ogg; others with ffmpeg); - reads standard input')
    .addHelpText(
      'after',
      examples(
        'bagpiper describe street.mp3',
        'bagpiper describe *.wav --json > captions.jsonl',
        'curl -s https://example.org/a.ogg | bagpiper describe -',
      ),
    )
    .action((files: string[], flags) =>
      start(async (context) => (await import('./describe.js')).describe(files, flags, context), flags),
    );
}

function addAsk(program: Command, start: Start): void {
  withModelFlags(program.command('ask'), 'text')
    .description('Answer a question about a sound, after a caption and thinking.')
    .argument('<file>', 'sound file; - reads standard input')
    .argument('<question>', 'in a few words')
    .option('--choice <text>', 'one of the answers to choose from; give 2 to 26', (text, others: string[] = []) => [
      ...others,
      text,
    ])
    .addHelpText(
      'after',
      examples(
        'bagpiper ask song.flac "Which instruments are played?"',
        'bagpiper ask call.wav "Who speaks?" --choice "a man" --choice "a woman"',
        'bagpiper ask call.wav "Who speaks?" --json',
      ),
    )
    .action((file: string, question: string, flags) =>
      start(async (context) => (await import('./ask.js')).ask(file, question, flags, context), flags),
    );
}

function addRender(program: Command, start: Start): void {
  withModelFlags(program.command('render'), 'sound')
    .description('Make the sound that a request or a rich caption asks for.')
    .argument('[text]', 'the request; - or nothing reads a caption from standard input')
    .option('-o, --output <file>', 'where to write: .wav or .flac; - writes WAV to standard output')
    .option('--seconds <s>', 'how long it lasts (default: the model ends it)', numberOf('--seconds'))
    .option(
      '--takes <n>',
      'make so many, keep the one that the model hears best (default: what the model says)',
      numberOf('--takes'),
    )
    .option('--direct', 'the text is a rich caption: no thinking (default for standard input)')
    .option('--request', 'the text is a request, also from standard input')
    .option('--spectrogram <file.png>', 'write a picture of the sound too')
    .option('--replay <file>', 'make a rendered file again: its text, seed and parameters')
    .addHelpText(
      'after',
      examples(
        'bagpiper render "Rain, and far away a slow piano." -o rain.wav --spectrogram rain.png',
        'bagpiper render "A church bell rings." --seconds 5 -o bell.flac',
        'bagpiper render "A man says: Good morning!" --takes 8 -o morning.wav',
        'bagpiper describe a.wav | bagpiper render - -o b.wav',
        'bagpiper render --replay rain.wav -o again.wav',
        'bagpiper render "A bell rings." -o - | bagpiper describe -',
      ),
    )
    .action((text: string | undefined, flags) =>
      start(async (context) => (await import('./render.js')).render(text, flags, context), flags),
    );
}

function addPull(program: Command, start: Start): void {
  withOutputFlags(program.command('pull'))
    .description('Fetch a model from the Hugging Face hub; prints the folder where it lies.')
    .argument('<repo>', 'owner and name, as in espnet/bagpiper-sft')
    .option('-r, --revision <r>', 'branch, tag or commit (default: main)')
    .option('-o, --out <dir>', "a folder for plain files (default: the hub's cache)")
    .option('--include <glob...>', 'only files that fit (default: all but training state, logs, pictures)')
    .option('--jobs <n>', 'connections at once (default: 8)', numberOf('--jobs'))
    .option('--quantize <how>', 'then convert it to q4 or q8, so that it can run here')
    .option('--tokenizer <repo>', 'tokenizer of a model that brings none (default: Qwen/Qwen3-8B-Base)')
    .option('--no-tokenizer', 'bring none')
    .addHelpText(
      'after',
      examples(
        'bagpiper pull espnet/bagpiper-sft --quantize q4',
        'bagpiper describe street.mp3 --model espnet/bagpiper-sft',
        'bagpiper pull espnet/bagpiper --revision v1 --out models/base --include "*.pt" "*.yaml"',
      ),
    )
    .action((repo: string, flags) =>
      start(async (context) => (await import('./pull.js')).pull(repo, flags, context), flags),
    );
}

function addConvert(program: Command, start: Start): void {
  withOutputFlags(program.command('convert'))
    .description('Make a model folder of a published or trained checkpoint, in 4 or 8 bits or as it is.')
    .argument('<in>', 'torch or safetensors file, folder with either, or the name of a pulled model')
    .argument('<out>', 'folder to make; a stopped conversion goes on when called again')
    .option('--quantize <how>', 'none (for vLLM and training), q8 or q4', 'q4')
    .option('--block <n>', 'numbers that share a scale: 16, 32, 64, 128 or 256 (default: 128)', numberOf('--block'))
    .option('--head-bits <n>', 'bits of the output head: 4 or 8 (default: 8)', numberOf('--head-bits'))
    .option('--config <file>', 'config.json (default: beside the weights, else the published sizes)')
    .option('--tokenizer <dir>', "folder with the tokenizer's files (default: beside the weights)")
    .option('--no-tokenizer', 'put none into the result')
    .addHelpText(
      'after',
      examples(
        'bagpiper convert espnet/bagpiper-sft bagpiper-q4',
        'bagpiper convert model.pt serving --quantize none --tokenizer Qwen3-8B-Base',
        'bagpiper convert bagpiper-sft careful --quantize q4 --block 32',
      ),
    )
    .action((input: string, out: string, flags) =>
      start(async (context) => (await import('./convert.js')).convert(input, out, flags, context), flags),
    );
}

function addPrepare(program: Command, start: Start): void {
  withOutputFlags(program.command('prepare'))
    .description(
      'Compile a model in 4 or 8 bits for this machine once, so that it takes much less memory when it runs.',
    )
    .argument('[model]', 'model folder, or the name of a pulled model')
    .addHelpText('after', examples('bagpiper prepare bagpiper-q4'))
    .action((model: string | undefined, flags) =>
      start(async (context) => (await import('./prepare.js')).prepare(model, flags, context), flags),
    );
}

function addTrain(program: Command, start: Start): void {
  withOutputFlags(program.command('train'))
    .description('Train or fine-tune a model on own records; a stopped training goes on when called again.')
    .requiredOption('-c, --config <file>', 'YAML or JSON: what to start from, data, stages (docs/training.md)')
    .option('--max-minutes <m>', 'stop after so long, with a checkpoint', numberOf('--max-minutes'))
    .option('--page [port]', 'show curves and samples on a local page; PORT or HOST:PORT (default: 8321)')
    .addHelpText(
      'after',
      examples(
        'bagpiper train --config mine.yaml',
        'bagpiper train -c mine.yaml --max-minutes 15',
        'bagpiper train -c mine.yaml --page',
      ),
    )
    .action((flags) => start(async (context) => (await import('./train.js')).train(flags, context), flags));
  withOutputFlags(program.command('curves'))
    .description('Show a training run on a local page, while it runs and afterwards: curves, settings, samples.')
    .argument('<run>', 'folder of the run ("out" in its configuration), or of several runs')
    .option('-p, --port <port>', 'PORT or HOST:PORT (default: 8321, for this machine alone); 0 takes a free one')
    .addHelpText('after', examples('bagpiper curves runs/mine', 'bagpiper curves runs/mine --port 0.0.0.0:9000'))
    .action((run: string, flags) =>
      start(async (context) => (await import('./curves.js')).curves(run, flags, context), flags),
    );
}

function addChecks(program: Command, start: Start): void {
  withServerFlags(withOutputFlags(program.command('info')))
    .description('Say what a model folder holds, or what a server is; nothing is loaded.')
    .argument('[model]', 'model folder, or address of a server (default: the small model of this package)')
    .addHelpText(
      'after',
      examples('bagpiper info', 'bagpiper info models/mine --json', 'bagpiper info http://localhost:9811/v1'),
    )
    .action((model: string | undefined, flags) =>
      start(async (context) => (await import('./info.js')).info(model, flags, context), flags),
    );
  withServerFlags(withOutputFlags(program.command('doctor')))
    .description('Check this machine and installation; each line says ok, warn or fail, and what to do.')
    .option('-m, --model <dir>', 'model folder or server to check (default: the small model of this package)')
    .addHelpText(
      'after',
      examples(
        'bagpiper doctor',
        'bagpiper doctor --model models/mine --json',
        'bagpiper doctor -m http://gpu:9811/v1',
      ),
    )
    .action((flags) => start(async (context) => (await import('./doctor.js')).doctor(flags, context), flags));
  withOutputFlags(program.command('parity'))
    .description("Compare our numbers with a folder of upstream's; exit code 1 when one is off.")
    .argument('<folder>', 'config.json, model.safetensors and the reference files beside them')
    .option('--device <d>', 'cpu, webgpu, cuda or auto (default: cpu)')
    .addHelpText(
      'after',
      examples(
        'bagpiper parity golden/lm',
        'npm run parity -- golden/audio-encoder',
        'npm run parity -- golden/lm --device webgpu',
      ),
    )
    .action((folder: string, flags) =>
      start(async (context) => (await import('./parity.js')).parity(folder, flags, context), flags),
    );
  program
    .command('demo')
    .description('Show everything once: hear a recording, answer a question, render a scene into out/.')
    .option('-m, --model <dir>', 'model folder (default: the small model of this package)')
    .option('-q, --quiet', 'no progress and no warnings')
    .option('-v, --verbose', 'details, and stack traces of errors')
    .addHelpText('after', examples('bagpiper demo', 'npm start'))
    .action((flags) => start(async (context) => (await import('./demo.js')).demo(flags, context), flags));
}
