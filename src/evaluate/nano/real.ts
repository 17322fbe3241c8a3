/** Part "real": recordings of the world outside, with a label saying whether they are speech, music or sound. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadMono16k } from '../../audio/index.js';
import { presence } from '../../corpus/index.js';
import { BagpiperError } from '../../errors.js';
import { KINDS } from './captions.js';
import { type Context, resultsOf } from './context.js';
import { atLeast, percent, type Row, share } from './report.js';
import { fill } from './results.js';

const PART = 'real';
/** What is to be right of recordings of the world outside (issue "The small world, mastered"): kind named, no wrong one. */
const TARGET = atLeast(0.85);

type Domain = (typeof KINDS)[number];

export interface RealClip {
  id: string;
  /** relative to the folder */
  file: string;
  domain: Domain;
}

/** Reads labels.jsonl of a folder. @throws BagpiperError when it is missing or a line is not as it must be */
export function readLabels(folder: string): RealClip[] {
  const path = join(folder, 'labels.jsonl');
  if (!existsSync(path)) {
    throw new BagpiperError(`${path} does not exist; --real takes a folder with recordings and labels.jsonl.`);
  }
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [readLabel(line, `${path}, line ${i + 1}`)]));
}

function readLabel(line: string, where: string): RealClip {
  const { id, file, domain } = parse(line);
  if (typeof id !== 'string' || typeof file !== 'string' || !KINDS.includes(domain as Domain)) {
    throw new BagpiperError(`${where}: a JSON object with id, file and domain (speech, music or sound) is expected.`);
  }
  return { id, file, domain: domain as Domain };
}

function parse(line: string): Partial<Record<keyof RealClip, unknown>> {
  try {
    return (JSON.parse(line) as ReturnType<typeof parse> | null) ?? {};
  } catch {
    return {};
  }
}

export async function describeReal(context: Context, folder: string): Promise<Row[]> {
  const clips = readLabels(folder);
  const { bagpiper, temperature, seed, together } = context;
  const captions = await fill(
    resultsOf<string>(context, PART),
    clips,
    ({ id, file }) => `${id} ${file}`,
    async ({ file }) => {
      const { samples } = await loadMono16k(join(folder, file));
      return (await bagpiper.describe(samples, { temperature, seed })).caption;
    },
    { together, tell: context.progress(PART) },
  );
  return realRows(clips, captions);
}

export function realRows(clips: readonly RealClip[], captions: readonly string[]): Row[] {
  const heard = clips.map(({ domain }, i) => ({ domain, told: presence(captions[i]) }));
  const named = (list: typeof heard): boolean[] => list.map(({ domain, told }) => told[domain]);
  const alone = (list: typeof heard): boolean[] =>
    list.map(({ domain, told }) => KINDS.every((kind) => told[kind] === (kind === domain)));
  return [
    share(PART, 'labelled kind named, all domains', named(heard), 'recordings', { target: TARGET }),
    share(PART, 'labelled kind named and no other, all domains', alone(heard), 'recordings', {
      target: TARGET,
      note: 'a recording labelled with one kind may truly hold others',
    }),
    ...KINDS.flatMap((domain) => {
      const list = heard.filter((h) => h.domain === domain);
      const told = KINDS.map((kind) => {
        const count = list.filter((h) => h.told[kind]).length;
        return `${kind} ${percent(count / Math.max(1, list.length))}`;
      });
      return [
        share(PART, `${domain}: named`, named(list), 'recordings', { note: `captions name ${told.join(', ')}` }),
        share(PART, `${domain}: named and no other`, alone(list), 'recordings'),
      ];
    }),
  ];
}
