/** `bagpiper data export espnet|parquet|chat RUN --out DIR`: a run in the form that others train on. */
import { existsSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BagpiperError } from '../../errors.js';
import type { Tokenizer } from '../../text/index.js';
import type { Context } from '../context.js';
import { CheckFailed } from '../failure.js';

export interface ExportFlags {
  out?: string;
  valid?: number;
  name?: string;
  tokenizer?: string;
  attention?: string;
  audio?: string;
  json?: boolean;
}

const FORMATS = ['espnet', 'parquet', 'chat'] as const;

/** Prints the folder; an export for ESPnet that fails its own check ends with code 1. */
export async function dataExport(format: string, run: string, flags: ExportFlags, context: Context): Promise<void> {
  const { screen } = context;
  const known = FORMATS.find((name) => name === format);
  if (!known) throw new BagpiperError(`${format} is no format to export; accepted are ${FORMATS.join(', ')}.`);
  if (!flags.out) throw new BagpiperError('data export needs --out with the folder to write to.');
  if (!statSync(run, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BagpiperError(`${run} is no folder; the folder of a run is expected (bagpiper data label --run DIR).`);
  }
  const report = await FORMAT[known](run, flags.out, flags, context);
  screen.clearProgress();
  for (const [kind, { count, example }] of Object.entries(report.leftOut.toJSON())) {
    screen.warn(`${count} left out (${kind}): ${example}`);
  }
  const check = 'check' in report ? report.check : { ok: true, problems: [], notes: [] };
  for (const line of [...check.problems, ...check.notes]) screen.warn(line);
  if (flags.json) await screen.result(JSON.stringify(report));
  else await screen.result(relative('', flags.out) || '.');
  if (!check.ok) throw new CheckFailed(`${flags.out} does not pass its own check; see the warnings above.`);
}

const FORMAT = {
  espnet: async (run: string, out: string, flags: ExportFlags, context: Context) => {
    const { ATTENTIONS, exportEspnet } = await import('../../data/export/index.js');
    const attention = ATTENTIONS.find((name) => name === (flags.attention ?? ATTENTIONS[0]));
    if (!attention) {
      throw new BagpiperError(`--attention is "${flags.attention}"; accepted are ${ATTENTIONS.join(', ')}.`);
    }
    const tokenizer = await openTokenizer(flags.tokenizer, context);
    const name = flags.name === undefined ? {} : { name: flags.name };
    return exportEspnet(run, out, { ...shared(flags, context), tokenizer, attention, ...name });
  },
  parquet: async (run: string, out: string, flags: ExportFlags, context: Context) => {
    const { exportParquet } = await import('../../data/export/index.js');
    return exportParquet(run, out, shared(flags, context));
  },
  chat: async (run: string, out: string, flags: ExportFlags, context: Context) => {
    const { exportChat } = await import('../../data/export/index.js');
    const audio = (['inline', 'files'] as const).find((name) => name === (flags.audio ?? 'inline'));
    if (!audio) throw new BagpiperError(`--audio is "${flags.audio}"; accepted are inline and files.`);
    return exportChat(run, out, { ...shared(flags, context), audio });
  },
};

function shared({ valid }: ExportFlags, { screen, signal }: Context) {
  if (valid !== undefined && !(valid >= 0 && valid < 1)) {
    throw new BagpiperError(`--valid is ${valid}; a part from 0 to below 1 is accepted.`);
  }
  const began = performance.now();
  const onProgress = ({ what, done, left }: { what: string; done: number; left: number }): void => {
    const rate = (done / (performance.now() - began)) * 1000;
    const aside = left > 0 ? `, ${left} left out` : '';
    screen.progress(`${what}: ${done} (${rate.toFixed(0)} a second)${aside}`);
  };
  return { signal, onProgress, ...(valid === undefined ? {} : { valid }) };
}

const PULL = 'fetch it with: bagpiper pull Qwen/Qwen3-8B-Base --include tokenizer.json --out qwen3 --no-tokenizer';

/** By this id the tokenizers of Qwen2 and Qwen3 are known. */
const END_OF_TEXT = 151643;

/** @throws BagpiperError where no tokenizer is named, or the folder has none */
async function openTokenizer(folder: string | undefined, { screen }: Context): Promise<Tokenizer> {
  if (folder === undefined) {
    throw new BagpiperError(
      `The length statistics of ESPnet need the tokenizer of Qwen3-8B-Base: name its folder with --tokenizer, or ${PULL}.`,
    );
  }
  const file = folder.endsWith('.json') ? folder : join(folder, 'tokenizer.json');
  if (!existsSync(file)) throw new BagpiperError(`${file} does not exist; ${PULL}.`);
  const [{ readJsonFile }, { Tokenizer }] = await Promise.all([
    import('../../weights/index.js'),
    import('../../text/index.js'),
  ]);
  const tokenizer = Tokenizer.fromJson(readJsonFile(file), file);
  if (tokenizer.idOf('<|endoftext|>') !== END_OF_TEXT) {
    screen.warn(`${file} is not the tokenizer of Qwen3-8B-Base, which the recipe uses: lengths are counted wrongly.`);
  }
  return tokenizer;
}
