import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWav, readAudio } from '../../src/audio/index.js';
import { makeWords, type Scene } from '../../src/corpus/index.js';
import { scenePresence } from '../../src/corpus/words/caption.js';
import { chooseClips, KINDS_SHOWN } from '../../src/evaluate/card/choose.js';
import { creditsOf } from '../../src/evaluate/card/credits.js';
import { factsOf } from '../../src/evaluate/card/facts.js';
import { filesOf, makeGallery } from '../../src/evaluate/card/make.js';
import { galleryPage } from '../../src/evaluate/card/page.js';
import { Random } from '../../src/random.js';
import { type Bagpiper, loadBagpiper } from '../../src/tasks/index.js';
import { randomScene } from '../corpus/random-scene.js';
import { writeRandomModel } from './random-model.js';
import { writeSmallCorpus } from './small-corpus.js';

const root = mkdtempSync(join(tmpdir(), 'bagpiper-card-'));
const corpus = join(root, 'test');
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Random scenes, three of each kind and some of all three together, with a second of noise for sound. */
function writeCorpus(folder: string): void {
  const random = new Random('card corpus');
  const left = new Map<string, number>();
  const scenes: Scene[] = [];
  while (scenes.length < 21) {
    const scene = randomScene(random);
    const kinds = JSON.stringify(scenePresence(scene));
    const count = left.get(kinds) ?? 0;
    if (count === 3 || kinds === JSON.stringify({ speech: false, music: false, sound: false })) continue;
    left.set(kinds, count + 1);
    scenes.push({ ...scene, id: `clip-${scenes.length}`, seconds: count === 0 ? 7 : 5, split: 'test' });
  }
  const shard = join(folder, 'shard-00000');
  mkdirSync(shard, { recursive: true });
  writeFileSync(
    join(shard, 'noise.wav'),
    encodeWav(
      Float32Array.from({ length: 16_000 }, () => 0.1 * random.normal()),
      16_000,
    ),
  );
  const records = scenes.map((scene) => ({ scene, audio: 'noise.wav', ...makeWords(scene, random) }));
  writeFileSync(join(shard, 'records.jsonl'), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

const wrongIn = (caption: string, truth: string, scene: Scene): string[] =>
  factsOf(caption, truth, scene).flatMap(({ right, wrong }) => (right ? [] : [wrong]));

const SCENE: Scene = {
  id: 'scene-1',
  seed: 'test',
  split: 'test',
  seconds: 5,
  speakers: [{ voice: 'adam', gender: 'man', age: 'adult', accent: 'American', pace: 'normal', mood: 'neutral' }],
  speech: [{ speaker: 0, words: 'good morning', sentence: 'Good morning.', start: 0.5, end: 1.5 }],
  music: null,
  events: [{ label: 'door slam', start: 2, end: 2.5, level: 0, distance: 'close' }],
  ambience: { label: 'rain', level: -12 },
  room: { kind: 'dry', rt60: 0 },
  quality: { band: 'full', noise: 'none' },
};

describe('facts', () => {
  it('are all right in true captions', () => {
    const random = new Random('card');
    for (let i = 0; i < 60; i++) {
      const scene = randomScene(random);
      const { caption } = makeWords(scene, random);
      expect(wrongIn(caption, caption, scene)).toEqual([]);
    }
  });

  it('are wrong where something is missed, invented or told otherwise', () => {
    const { caption: truth } = makeWords(SCENE, new Random('truth'));
    expect(wrongIn('', truth, SCENE)).toEqual([
      'speech is missed',
      'sound is missed',
      '0 speakers instead of 1',
      'speaker 1 not told (man)',
      '2 errors in 2 words',
      'sound door slam missed',
      'background not told (rain)',
    ]);
    const invented =
      'This is a clip of music and sound effects, about 5 seconds long. A harp plays music. A dog barks at about 1 second.';
    const silence = { ...SCENE, speakers: [], speech: [], events: [], ambience: null };
    expect(wrongIn(invented, makeWords(silence, new Random('truth')).caption, silence)).toEqual([
      'music is invented',
      'sound is invented',
      'sound dog bark invented',
      'instrument harp invented',
    ]);
  });
});

describe('the choice', () => {
  beforeAll(() => writeCorpus(corpus));

  it('takes the first two short clips of each kind, whatever is in them', () => {
    const chosen = chooseClips(corpus);
    expect(chosen.map(({ kind }) => kind)).toEqual([...KINDS_SHOWN]);
    const lines = readFileSync(join(corpus, 'shard-00000', 'records.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const scenes = lines
      .map((line) => (JSON.parse(line) as { scene: Scene }).scene)
      .filter(({ seconds }) => seconds <= 6);
    for (const { kind, heard, rendered } of chosen) {
      const alike = scenes.filter((scene) => {
        const there = Object.entries(scenePresence(scene)).flatMap(([name, is]) => (is ? [name] : []));
        return there.sort().join() === kind.split(' + ').sort().join();
      });
      expect([heard.scene.id, rendered.scene.id]).toEqual([alike[0].id, alike[1].id]);
    }
  });

  it('refuses what the model was trained on, and too little', () => {
    writeSmallCorpus(join(root, 'train'), 3, 'train');
    writeSmallCorpus(join(root, 'little'), 3);
    expect(() => chooseClips(join(root, 'train'))).toThrow(
      'is of the split "train"; give a corpus made with --split test',
    );
    expect(() => chooseClips(join(root, 'little'))).toThrow('holds fewer than two clips of speech up to 6 s');
  });
});

describe('credits', () => {
  const licences = readFileSync(fileURLToPath(new URL('../../docs/licences.md', import.meta.url)), 'utf8');

  it('name voices, recordings and who made them', () => {
    expect(creditsOf([SCENE], licences)).toEqual([
      'Speech: Flite voices kal16 (Carnegie Mellon University; BSD-like, attribution).',
      'Other synthetic sounds and all tunes: ours (Apache-2.0).',
      'Recording of door slam, CC0 1.0: perc_door by hullum, 415579 on freesound.org.',
    ]);
    expect(() => creditsOf([SCENE], '')).toThrow('docs/licences.md has no row for the recording of door slam');
  });

  it('are there for whatever a scene may hold', () => {
    const random = new Random('credits');
    const scenes = Array.from({ length: 300 }, () => randomScene(random));
    expect(creditsOf(scenes, licences).length).toBeGreaterThan(12);
  });
});

describe('a gallery', () => {
  let bagpiper: Bagpiper;
  beforeAll(async () => {
    await writeRandomModel(
      join(root, 'model'),
      chooseClips(corpus).map(({ heard }) => heard.scene),
    );
    bagpiper = await loadBagpiper(join(root, 'model'), { threads: 1 });
  });
  afterAll(() => bagpiper.close());

  it('holds sounds and a page, the same again, failures marked', async () => {
    const options = { seed: 1, recognizer: { hear: async () => ['good evening'] } };
    const chosen = chooseClips(corpus).slice(0, 2);
    const gallery = await makeGallery(bagpiper, chosen, options);
    expect(await makeGallery(bagpiper, chosen, options)).toEqual(gallery);
    const { files, cut } = filesOf(gallery, 1e6);
    const facts = {
      hash: bagpiper.info.hash,
      seed: 1,
      recognizer: true,
      credits: ['ours'],
      cut,
      licences: '../docs/licences.md',
    };
    const page = galleryPage(gallery, facts);
    // Random weights make nothing that was asked for.
    expect(page).toContain('2 of 2 renderings failed');
    expect(page).toContain('| pocketsphinx hears | good evening |');
    for (const [name, bytes] of files) {
      expect(page).toContain(`[${name}](${name})`);
      writeFileSync(join(root, name), bytes);
      expect((await readAudio(join(root, name))).sampleRate).toBe(16_000);
    }
    for (const row of page.split('\n').filter((line) => line.startsWith('| '))) {
      expect(row.replaceAll('\\|', '').split('|').length).toBe(4);
    }
  });

  it('is cut to fit', () => {
    const noise = new Random('noise');
    const sounds = new Map([['a.flac', Float32Array.from({ length: 160_000 }, () => noise.range(-1, 1))]]);
    const size = (most: number): [number, number] => {
      const { files, cut } = filesOf({ heard: [], rendered: [], sounds }, most);
      return [cut, files.get('a.flac')?.length ?? 0];
    };
    expect(size(1e9)[0]).toBe(8);
    const [cut, bytes] = size(100_000);
    expect(cut).toBe(3);
    expect(bytes).toBeLessThanOrEqual(100_000);
  });
});

describe('npm run card:samples', () => {
  it('never replaces a folder of something else', () => {
    mkdirSync(join(root, 'mine'));
    writeFileSync(join(root, 'mine', 'thesis.txt'), 'years of work');
    const main = fileURLToPath(new URL('../../dist/evaluate/card/main.js', import.meta.url));
    const run = (): string =>
      execFileSync('node', [main, '--corpus', corpus, '--out', join(root, 'mine')], { stdio: 'pipe' }).toString();
    expect(run).toThrow('holds other things than samples of this program; name a new folder');
    expect(existsSync(join(root, 'mine', 'thesis.txt'))).toBe(true);
  });
});
