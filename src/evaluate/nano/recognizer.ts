/**
 * An independent recognizer: CMU PocketSphinx of the system (Debian: pocketsphinx and pocketsphinx-en-us) with its US English
 * acoustic model, a loop of the small world's words as the grammar, and word insertion penalty 1e-4.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wavSamples } from '../../audio/index.js';
import { LEXICON } from '../../corpus/index.js';

const PROGRAM = 'pocketsphinx_batch';
const MODELS = ['/usr/share/pocketsphinx/model/en-us', '/usr/local/share/pocketsphinx/model/en-us'];
const INSERTION_PENALTY = '1e-4';

export interface Recognizer {
  /** Words heard in each sound (samples at 16 kHz mono); "" where none were. */
  hear(sounds: readonly Float32Array[]): Promise<string[]>;
}

/** The recognizer of this system; null when it is not installed. */
export async function findRecognizer(): Promise<Recognizer | null> {
  const model = MODELS.find((folder) => existsSync(join(folder, 'cmudict-en-us.dict')));
  if (!model || (await run(PROGRAM, ['-help'])) === null) return null;
  return { hear: (sounds) => recognize(model, sounds) };
}

async function recognize(model: string, sounds: readonly Float32Array[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bagpiper-words-'));
  try {
    const dictionary = lexiconDictionary(readFileSync(join(model, 'cmudict-en-us.dict'), 'utf8'), LEXICON);
    writeFileSync(join(folder, 'words.dict'), dictionary.text);
    writeFileSync(join(folder, 'words.gram'), wordLoop(dictionary.words));
    sounds.forEach((samples, i) => {
      writeFileSync(join(folder, `${i}.raw`), wavSamples(samples));
    });
    writeFileSync(join(folder, 'list'), sounds.map((_, i) => `${i}\n`).join(''));
    const file = (name: string): string => join(folder, name);
    const code = await run(PROGRAM, [
      ...['-hmm', join(model, 'en-us'), '-dict', file('words.dict'), '-jsgf', file('words.gram')],
      ...['-adcin', 'yes', '-adchdr', '0', '-cepdir', folder, '-cepext', '.raw', '-ctl', file('list')],
      ...['-hyp', file('heard'), '-wip', INSERTION_PENALTY],
    ]);
    if (code !== 0 || !existsSync(file('heard'))) throw new Error(`${PROGRAM} failed with exit code ${code}`);
    return readHypotheses(readFileSync(file('heard'), 'utf8'), sounds.length);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The entries of a CMU dictionary ("word PH ON ES", "word(2) ...") for some words; `words` are those that it knows. */
export function lexiconDictionary(cmudict: string, lexicon: readonly string[]): { text: string; words: string[] } {
  const wanted = new Set(lexicon);
  const words = new Set<string>();
  const lines = cmudict.split('\n').filter((line) => {
    const word = (line.split(' ')[0] as string).replace(/\(\d+\)$/, '');
    if (!wanted.has(word)) return false;
    words.add(word);
    return true;
  });
  return { text: `${lines.join('\n')}\n`, words: [...words].sort() };
}

/** Any words in any order. */
export function wordLoop(words: readonly string[]): string {
  return `#JSGF V1.0;\ngrammar words;\npublic <sentence> = <word>+;\n<word> = ${words.join(' | ')};\n`;
}

/** Lines of "words (name score)", the name being the sound's number; a sound without a line has no words. */
export function readHypotheses(text: string, count: number): string[] {
  const heard = new Array<string>(count).fill('');
  for (const line of text.split('\n')) {
    const match = /^(.*?)\s*\((?:.*\/)?(\d+)(?: -?\d+)?\)$/.exec(line);
    if (match) heard[Number(match[2])] = (match[1] as string).replace(/\(\d+\)/g, '').trim();
  }
  return heard;
}

/** The exit code; null when there is no such program. */
function run(program: string, args: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'ignore' });
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve(null);
      else reject(error);
    });
    child.once('close', (code) => resolve(code ?? -1));
  });
}
