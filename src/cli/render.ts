/** `bagpiper render [TEXT|-] -o FILE`: makes the sound that a text asks for; `--replay` makes a rendered file again. */
import { extname } from 'node:path';
import type { EngineInfo } from '../engine/types.js';
import { BagpiperError } from '../errors.js';
import { checkOptions, cleanText } from '../tasks/input.js';
import type { TextPart } from '../tasks/parse.js';
import type { Bagpiper, Parts, RenderedAudio } from '../tasks/types.js';
import type { Context } from './context.js';
import { CheckFailed } from './failure.js';
import { textInput } from './input.js';
import { checkFlags, follow, withModel } from './model.js';
import { type ModelFlags, verbOptions } from './options.js';
import { checkOutput, writeOutput } from './output.js';
import { flacMetadata, type Provenance, readProvenance, wavMetadata } from './provenance.js';
import { jsonLine, modelOf } from './results.js';
import type { Screen } from './screen.js';

interface RenderFlags extends ModelFlags {
  output?: string;
  direct?: boolean;
  request?: boolean;
  spectrogram?: string;
  replay?: string;
  seconds?: number;
  takes?: number;
}

/** What is to be rendered, and with which settings. */
interface Wanted {
  text: string;
  direct: boolean;
  flags: RenderFlags;
  /** of the model that made the file to replay */
  madeBy?: Provenance['model'];
}

export async function render(text: string | undefined, flags: RenderFlags, context: Context): Promise<void> {
  const { screen, signal } = context;
  const output = checkTargets(flags, context);
  const wanted = flags.replay === undefined ? await fromText(text, flags, context) : await fromFile(text, flags);
  checkFlags(wanted.flags, context);
  const { seconds, takes } = wanted.flags;
  checkOptions({ seconds, takes });
  wanted.text = cleanText(wanted.text, wanted.direct ? 'The caption' : 'The request');
  await withModel(wanted.flags, context, async (bagpiper) => {
    const { info } = bagpiper;
    if (wanted.madeBy) warnOfReplay(flags.replay!, wanted.madeBy, info, screen);
    const more = { ...(seconds === undefined ? {} : { seconds }), ...(takes === undefined ? {} : { takes }) };
    const options = { ...verbOptions(wanted.flags, signal), ...more, direct: wanted.direct };
    const shown: TextPart[] = flags.json || output === '-' ? [] : ['thinking', 'caption'];
    const parts = await follow(bagpiper.render(wanted.text, options), bagpiper, screen, shown);
    const { audio } = parts;
    if (!audio || audio.samples.length === 0) {
      throw new CheckFailed('The model made no sound; try another --seed.');
    }
    const provenance = provenanceOf(wanted, parts, bagpiper);
    if (flags.spectrogram !== undefined) await writePicture(flags.spectrogram, audio);
    const bytes = await encode(output, audio, provenance, context.version);
    if (output === '-') {
      await screen.write(bytes);
      return;
    }
    await writeOutput(output, bytes);
    await tell(output, wanted, parts, flags, bagpiper, context);
  });
}

/** @returns where to write. @throws BagpiperError when that is not said or not possible */
function checkTargets({ output, spectrogram, json }: RenderFlags, { io }: Context): string {
  if (output === undefined) {
    throw new BagpiperError('It is not said where to write; add -o FILE.wav or -o FILE.flac.');
  }
  if (output !== '-') checkOutput(output, ['.wav', '.flac']);
  else if (io.stdout.isTTY) throw new BagpiperError('A terminal cannot take sound; add -o FILE.wav, or pipe it on.');
  else if (json) throw new BagpiperError('Standard output cannot take both sound and JSON; give -o FILE.wav.');
  if (spectrogram !== undefined) checkOutput(spectrogram, ['.png']);
  return output;
}

/** The text argument is a request; what comes through a pipe is a caption, as `describe` writes it. */
async function fromText(text: string | undefined, flags: RenderFlags, context: Context): Promise<Wanted> {
  if (flags.direct && flags.request) {
    throw new BagpiperError('Both --direct and --request are given; a text is either a caption or a request.');
  }
  if (text !== undefined && text !== '-') return { text, direct: flags.direct === true, flags };
  if (text === undefined && context.io.stdin.isTTY) {
    throw new BagpiperError('There is no text; write what to render, e.g. bagpiper render "Rain." -o rain.wav');
  }
  const piped = captionOf(await textInput(context));
  if (!flags.direct && !flags.request) {
    context.screen.detail('text from a pipe is taken as a caption; --request takes it as a request');
  }
  return { text: piped, direct: flags.request !== true, flags };
}

/** The caption in a line of `describe --json`; any other text as it is. */
function captionOf(text: string): string {
  if (!text.trimStart().startsWith('{')) return text;
  try {
    const { caption } = JSON.parse(text) as { caption?: unknown };
    return typeof caption === 'string' ? caption : text;
  } catch {
    return text;
  }
}

/** A rendered file's own text and settings; settings on the command line go first. */
async function fromFile(text: string | undefined, flags: RenderFlags): Promise<Wanted> {
  if (text !== undefined || flags.direct || flags.request) {
    throw new BagpiperError('--replay takes the text from the file; leave out TEXT, --direct and --request.');
  }
  const made = await readProvenance(flags.replay!);
  const { text: said, direct, model, seed, temperature, topK, guidance, system, seconds } = made;
  // One by one: a file must not slip in options that it has no say in. Its seed is that of the take that was kept.
  const own = {
    ...{ seed, temperature, topK, guidance, takes: 1 },
    ...(system === undefined ? {} : { system }),
    ...(seconds === undefined ? {} : { seconds }),
  };
  return { text: said, direct, flags: { ...own, ...flags }, madeBy: model };
}

/** Says why the sound may not be the file's own. */
function warnOfReplay(file: string, made: Provenance['model'], info: EngineInfo, screen: Screen): void {
  const { name, hash, server } = modelOf(info);
  const now = `${name} ${server ? `at ${server}` : hash}`;
  const then = `${made.name} ${made.server ? `at ${made.server}` : made.hash}`;
  if (then !== now) screen.warn(`${file} was made by model ${then}; this is ${now}, so the sound will differ.`);
  else if (server) {
    screen.warn(`A server does not make the same sound again from a seed alone: this is another take of ${file}.`);
  }
}

function provenanceOf({ text, direct, flags }: Wanted, parts: Parts, { info }: Bagpiper): Provenance {
  return {
    model: modelOf(info),
    text,
    direct,
    seed: parts.seed,
    temperature: flags.temperature ?? info.audio.temperature,
    topK: flags.topK ?? info.audio.topk,
    guidance: flags.guidance ?? info.audio.cfg,
    ...(flags.system === undefined ? {} : { system: flags.system }),
    ...(flags.seconds === undefined ? {} : { seconds: flags.seconds }),
    caption: parts.caption,
  };
}

async function encode(
  output: string,
  { samples, sampleRate }: RenderedAudio,
  provenance: Provenance,
  version: string,
): Promise<Uint8Array> {
  const { encodeFlac, encodeWav } = await import('../audio/index.js');
  if (extname(output).toLowerCase() === '.flac') {
    return encodeFlac(samples, sampleRate, flacMetadata(provenance, version));
  }
  return encodeWav(samples, sampleRate, { metadata: wavMetadata(provenance, version) });
}

/** A spectrogram of the sound as a PNG file. */
export async function writePicture(path: string, { samples, sampleRate }: RenderedAudio): Promise<void> {
  const { spectrogramPng } = await import('../audio/index.js');
  await writeOutput(path, await spectrogramPng(samples, sampleRate));
}

async function tell(
  output: string,
  { text, direct }: Wanted,
  parts: Parts,
  flags: RenderFlags,
  { info }: Bagpiper,
  { screen }: Context,
): Promise<void> {
  const { samples, sampleRate } = parts.audio!;
  const seconds = samples.length / sampleRate;
  const files = { file: output, ...(flags.spectrogram === undefined ? {} : { spectrogram: flags.spectrogram }) };
  const { thinking, caption, takes } = parts;
  const made = { text, direct, thinking, caption, seconds, ...(takes === undefined ? {} : { takes }) };
  if (flags.json) await screen.result(jsonLine({ ...files, ...made }, parts, info));
  else await screen.result(output);
  for (const { seed, likeness, heard } of takes ?? []) {
    screen.detail(`seed ${seed}, likeness ${likeness.toFixed(2)}: ${heard || 'nothing to hear'}`);
  }
  const kept = takes === undefined ? '' : `, the best of ${takes.length} takes`;
  screen.note(`${seconds.toFixed(1)} s of sound, seed ${parts.seed}${kept}`);
}
