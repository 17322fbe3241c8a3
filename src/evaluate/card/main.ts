/** `npm run card:samples -- --corpus DIR --out DIR`: samples for the model's card, failures included. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BagpiperError } from '../../errors.js';
import { Options, runProgram } from '../../program.js';
import { loadBagpiper } from '../../tasks/index.js';
import { findRecognizer } from '../nano/recognizer.js';
import { chooseClips } from './choose.js';
import { creditsOf } from './credits.js';
import { filesOf, makeGallery } from './make.js';
import { galleryPage } from './page.js';

const HELP = `usage: npm run card:samples -- --corpus DIR --out DIR [options]

Lets a model hear and render a few clips of the test split, chosen by a fixed rule, and writes FLAC files and samples.md.
  --corpus DIR   clips of npm run corpus -- --split test
  --out DIR      folder to write; one that an earlier call wrote is replaced
  --model DIR    model folder (default: the one of this package)
  --seed N       of the renderings (default 1)
  --threads N    threads of the numeric engine (default: all cores)
  --help         this text`;

/** The page's name; a folder without it was not written by this program. */
const PAGE = 'samples.md';
const LICENCES = fileURLToPath(new URL('../../../docs/licences.md', import.meta.url));
/** All sounds together: more does not belong into a repository, bytes. */
const MOST = 1.4e6;

interface CardCommand {
  corpus: string;
  out: string;
  model: string | undefined;
  seed: number;
  threads: number | undefined;
}

function readOptions(argv: string[]): CardCommand | null {
  const options = Options.read(argv, { text: ['corpus', 'out', 'model', 'seed', 'threads'] });
  if (options.has('help')) return null;
  const [corpus, out] = [options.text('corpus'), options.text('out')];
  if (!corpus || !out) throw new BagpiperError(`--${corpus ? 'out' : 'corpus'} DIR is missing; see --help`);
  const seed = options.number('seed', 1, { least: 0 });
  return { corpus, out, model: options.text('model'), seed, threads: options.number('threads', undefined) };
}

async function make({ corpus, out, model, seed, threads }: CardCommand): Promise<void> {
  if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(join(out, PAGE))) {
    throw new BagpiperError(`${out} holds other things than samples of this program; name a new folder.`);
  }
  const chosen = chooseClips(corpus);
  const licences = readFileSync(LICENCES, 'utf8');
  const credits = creditsOf(
    chosen.map(({ heard }) => heard.scene),
    licences,
  );
  const recognizer = await findRecognizer();
  const bagpiper = await loadBagpiper(model, threads === undefined ? {} : { threads });
  try {
    const tell = (text: string): unknown => process.stderr.write(`${text}\n`);
    const gallery = await makeGallery(bagpiper, chosen, { seed, recognizer, onProgress: tell });
    const { files, cut } = filesOf(gallery, MOST);
    const link = relative(resolve(out), LICENCES).split(sep).join('/');
    const { hash } = bagpiper.info;
    const page = galleryPage(gallery, { hash, seed, recognizer: recognizer !== null, credits, cut, licences: link });
    const bytes = [...files.values()].reduce((sum, file) => sum + file.length, 0);
    replaceFolder(out, new Map<string, Uint8Array | string>([...files, [PAGE, page]]));
    process.stdout.write(`${join(out, PAGE)}\n`);
    tell(`${files.size} sounds, ${(bytes / 1e6).toFixed(2)} MB`);
  } finally {
    await bagpiper.close();
  }
}

/** The new folder takes the old one's place when it is whole. */
function replaceFolder(out: string, files: ReadonlyMap<string, Uint8Array | string>): void {
  const aside = `${out}.part`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(dirname(out), { recursive: true });
  mkdirSync(aside);
  for (const [name, content] of files) writeFileSync(join(aside, name), content);
  rmSync(out, { recursive: true, force: true });
  renameSync(aside, out);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options) await make(options);
  else process.stdout.write(`${HELP}\n`);
}

runProgram(main);
