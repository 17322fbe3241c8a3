import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CorpusRecord, LEXICON, makeWords, type Scene } from '../../src/corpus/index.js';
import { isSpeechAlone } from '../../src/corpus/words/caption.js';
import { presenceRight, scoreCaption } from '../../src/evaluate/nano/captions.js';
import { readClips } from '../../src/evaluate/nano/context.js';
import { type EvaluateOptions, evaluateNano } from '../../src/evaluate/nano/evaluate.js';
import { fitMeasures } from '../../src/evaluate/nano/measures.js';
import { opusRoundTrip } from '../../src/evaluate/nano/opus.js';
import { drawOpenQuestions, drawQuestions, drawYesNo } from '../../src/evaluate/nano/questions.js';
import { readLabels, realRows } from '../../src/evaluate/nano/real.js';
import { lexiconDictionary, readHypotheses, wordLoop } from '../../src/evaluate/nano/recognizer.js';
import { pickScenes, secondsNamed } from '../../src/evaluate/nano/render.js';
import { recognizedRows } from '../../src/evaluate/nano/render-words.js';
import { atLeast, atMost, below, isMet, markdown, type Row, report } from '../../src/evaluate/nano/report.js';
import { fill, Results } from '../../src/evaluate/nano/results.js';
import { isEventsAlone, isMusicAlone } from '../../src/evaluate/nano/stages.js';
import { Random } from '../../src/random.js';
import { type AskOptions, type Bagpiper, loadBagpiper, type Parts, type Reply } from '../../src/tasks/index.js';
import { listChoices } from '../../src/text/index.js';
import { randomScene } from '../corpus/random-scene.js';
import { writeRandomModel } from './random-model.js';
import { writeSmallCorpus } from './small-corpus.js';

const root = mkdtempSync(join(tmpdir(), 'evaluate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const random = new Random('evaluate');
const scenes: Scene[] = Array.from({ length: 60 }, (_, i) => ({ ...randomScene(random), id: `scene-${i}` }));

describe('captions', () => {
  it('finds nothing wrong with true captions', () => {
    for (const scene of scenes) {
      const score = scoreCaption(makeWords(scene, random).caption, scene);
      expect(presenceRight(score)).toBe(true);
      expect(score.formed).toBe(true);
      expect(score.unread).toBe(0);
      expect(score.words).toMatchObject({ substitutions: 0, insertions: 0, deletions: 0 });
      expect(score.events).toMatchObject({ extra: 0, missed: 0 });
      expect(score.ambience.told).toBe(score.ambience.there);
      expect(score.speakers).toMatchObject({ told: score.speakers.there, gendersRight: score.speakers.there });
      expect(score.orderRight).not.toBe(false);
      // captions round to the half second
      for (const error of score.onsetErrors) expect(error).toBeLessThanOrEqual(0.25 + 1e-9);
      expect(score.matched).toBe(scene.events.length);
      if (score.instruments) expect([score.instruments.extra, score.instruments.missed]).toEqual([0, 0]);
      if (scene.music) expect(score).toMatchObject({ leadRight: true, tempoRight: true });
      expect(score.modeRight).not.toBe(false);
    }
  });

  it('counts what is wrong', () => {
    const scene = scenes.find(({ speech, events }) => speech.length > 0 && events.length > 0)!;
    const score = scoreCaption('This clip contains music. Blah blah.', scene);
    expect(score.told).toEqual({ speech: false, music: true, sound: false });
    expect(score).toMatchObject({ formed: true, sentences: 2, unread: 1 });
    expect(scoreCaption('Blah blah.', scene)).toMatchObject({ formed: false, sentences: 1, unread: 1 });
    expect(score.events).toEqual({ hits: 0, extra: 0, missed: scene.events.length });
    expect(score.words.deletions).toBe(score.words.reference);
    expect(score.speakers.told).toBe(0);
  });

  it('reads order, starts and mode where they are told', () => {
    const event = { end: 9, level: 0, distance: 'middle' } as const;
    const scene: Scene = {
      ...scenes.find(({ music }) => music !== null)!,
      events: [
        { ...event, label: 'dog bark', start: 1.1 },
        { ...event, label: 'doorbell', start: 3 },
      ],
    };
    const { mode } = scene.music!;
    const turned = 'A doorbell rings at about 2 seconds. A dog barks at about 2.5 seconds.';
    const score = scoreCaption(`This clip contains music with sound effects. ${turned}`, scene);
    expect(score).toMatchObject({ orderRight: false, matched: 2, modeRight: null, leadRight: false });
    expect(score.onsetErrors.map((x) => Math.round(10 * x)).sort()).toEqual([10, 14]);
    const music = (key: string): string => `We hear music on a piano. The tune is slow, in a ${key} key.`;
    expect(scoreCaption(music(mode), scene).modeRight).toBe(true);
    expect(scoreCaption(music(mode === 'major' ? 'minor' : 'major'), scene).modeRight).toBe(false);
  });
});

describe('results', () => {
  it('go on after a run that was cut off in the middle of a line', async () => {
    const path = join(root, 'results.jsonl');
    const made: string[] = [];
    const run = () =>
      fill(
        new Results<number>(path),
        ['a', 'b', 'c'],
        (item) => item,
        async (item) => made.push(item),
      );
    expect(await run()).toEqual([1, 2, 3]);
    truncateSync(path, readFileSync(path).length - 4);
    expect(await run()).toEqual([1, 2, 4]);
    expect(made).toEqual(['a', 'b', 'c', 'c']);
    expect(await run()).toEqual([1, 2, 4]);
    expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(3);
  });
});

describe('recognizer', () => {
  it('keeps the lexicon of a CMU dictionary', () => {
    const { text, words } = lexiconDictionary('a AH\na(2) EY\nzebra Z IY B R AH\ncat K AE T\n', ['a', 'cat', 'qqq']);
    expect(text).toBe('a AH\na(2) EY\ncat K AE T\n');
    expect(words).toEqual(['a', 'cat']);
    expect(wordLoop(words)).toContain('<word> = a | cat;');
    expect(LEXICON.length).toBeGreaterThan(300);
  });

  it('reads hypotheses by number, in any order and with gaps', () => {
    const text = 'the cat (/tmp/x/2 -1234)\n (0 0)\nis a(2) dog (1 -5)\n';
    expect(readHypotheses(text, 4)).toEqual(['', 'is a dog', 'the cat', '']);
  });
});

describe('Opus', () => {
  it('gives the sound back in time, at the rate asked for', async () => {
    const noise = Float32Array.from({ length: 8000 }, () => 0.2 * random.normal());
    // a band that Opus keeps at this rate
    const samples = noise.map((_, i) => [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, k) => sum + (noise[i + k] ?? 0) / 8, 0));
    const { samples: coded, bitsPerSecond } = await opusRoundTrip(samples, 24000);
    expect(bitsPerSecond).toBe(24000);
    expect(coded).toHaveLength(8000);
    const correlation = (lag: number): number => {
      let sum = 0;
      for (let i = 1000; i < 7000; i++) sum += samples[i] * coded[i + lag];
      return sum;
    };
    const lags = Array.from({ length: 41 }, (_, i) => i - 20);
    const best = lags.reduce((a, b) => (correlation(b) > correlation(a) ? b : a));
    expect(Math.abs(best)).toBeLessThanOrEqual(1);
  });
});

describe('rows', () => {
  it('reads the length that a text names', () => {
    expect(secondsNamed('Please make a 6-second clip with rain.')).toBe(6);
    expect(secondsNamed('The sound takes place in a hall and lasts about 8 seconds.')).toBe(8);
    expect(secondsNamed('A dog in a room, about 3 seconds long.')).toBe(3);
    expect(secondsNamed('2. Inferred Details: About 1 second in a large hall.')).toBe(1);
    expect(secondsNamed('A dog barks at about 2 seconds, music plays from about 1 second until about 3 seconds.')).toBe(
      null,
    );
    expect(secondsNamed('The bell rings at about 2 seconds. It lasts about 7 seconds.')).toBe(7);
  });

  it('count labelled recordings by domain', () => {
    const folder = mkdtempSync(join(root, 'real-'));
    const line = (id: string, domain: string) => JSON.stringify({ id, file: `${id}.wav`, domain, label: 'x' });
    writeFileSync(join(folder, 'labels.jsonl'), `${line('a', 'speech')}\n${line('b', 'music')}\n`);
    const clips = readLabels(folder);
    const rows = realRows(clips, ['This clip contains speech with music.', 'This clip contains speech.']);
    const value = (measure: string) => rows.find((row) => row.measure === measure)?.value;
    expect(value('labelled kind named, all domains')).toBe(0.5);
    expect(value('labelled kind named and no other, all domains')).toBe(0);
    expect(value('speech: named')).toBe(1);
    expect(value('sound: named')).toBe(null);
    writeFileSync(join(folder, 'labels.jsonl'), '{"id": 1}\n');
    expect(() => readLabels(folder)).toThrow(/line 1: a JSON object with id, file and domain/);
  });

  it('say what the target is and whether it is met', () => {
    const row: Row = {
      part: 'ask',
      measure: 'right',
      value: 0.61,
      unit: '%',
      interval: [0.5, 0.7],
      of: '9 x',
      target: atLeast(0.6),
    };
    const seconds: Row = { ...row, measure: 'onset', value: 0.5, unit: 's', target: atMost(0.35), note: 'late' };
    const unknown: Row = { part: 'render', measure: 'words', value: null, unit: 'points', target: atMost(0.15) };
    expect(markdown([row])).toContain('| ask | right | 61.0 % | 50.0 % to 70.0 % | 9 x | at least 60.0 % | met |  |');
    const both = report([row, { ...row, measure: 'beside', target: undefined }, seconds, unknown]);
    expect(both).toContain('Targets: 1 of 3 met.');
    expect(both).toContain('| 0.500 s | 0.500 s to 0.700 s | 9 x | at most 0.350 s | missed | late |');
    expect(both).toContain('| render | words |  |  |  | at most 15.0 points | not measured |  |');
    expect(both.split('| beside |')).toHaveLength(2);
    expect(isMet({ ...row, value: 0, target: below(0) })).toBe(false);
    expect(isMet({ ...row, value: -0.1, target: below(0) })).toBe(true);
  });

  it('set what a recognizer hears of renderings against what it hears of the same originals', () => {
    const errors = (wrong: number) => ({ reference: 10, substitutions: wrong, insertions: 0, deletions: 0 });
    const rows = recognizedRows({
      rendered: [errors(6), errors(4)],
      coded: [errors(5), errors(3)],
      original: [errors(5), errors(3)],
    });
    expect(rows[0]).toMatchObject({ unit: 'points', of: '2 pairs of clips', target: atMost(0.15) });
    expect(rows[0].value).toBeCloseTo(0.1, 12);
    // every pair is 10 points apart, so drawing pairs cannot change that
    for (const end of rows[0].interval!) expect(end).toBeCloseTo(0.1, 12);
    expect(rows.map(({ value }) => value?.toFixed(2))).toEqual(['0.10', '0.50', '0.40', '0.40']);
  });

  it('render scenes of each kind alone and mixtures', () => {
    const clips = scenes.map((scene) => ({ scene, path: '', record: {} as CorpusRecord }));
    const picked = pickScenes(clips, 24);
    expect(new Set(picked.map(({ scene }) => scene.id)).size).toBe(24);
    const count = (fits: (scene: Scene) => boolean): number => picked.filter(({ scene }) => fits(scene)).length;
    const there = (fits: (scene: Scene) => boolean): number => scenes.filter(fits).length;
    const { speech, music, events } = { speech: isSpeechAlone, music: isMusicAlone, events: isEventsAlone };
    expect([count(speech), count(music), count(events)]).toEqual([
      Math.min(8, there(speech)),
      Math.min(6, there(music)),
      Math.min(6, there(events)),
    ]);
  });
});

const settings = (name: string, more: Partial<EvaluateOptions> = {}): EvaluateOptions => ({
  corpus: join(root, 'corpus'),
  work: join(root, name),
  parts: ['describe', 'ask', 'codec', 'render', 'real', 'limits'],
  ...{ clips: 12, codecClips: 2, renders: 2, takes: 1, seed: 1, temperature: 0, together: 2 },
  ...more,
});

describe('the whole evaluation', () => {
  const records = writeSmallCorpus(join(root, 'corpus'), 12);

  /** A model that knows the truth when it hears: it tells clips apart by their samples. */
  async function oracle(): Promise<{ bagpiper: Bagpiper; calls: () => number }> {
    const clips = readClips(join(root, 'corpus'), 12);
    const { loadMono16k } = await import('../../src/audio/index.js');
    const known = new Map<number, number>();
    for (const [i, { path }] of clips.entries()) known.set((await loadMono16k(path)).samples[0], i);
    const all = clips.map(({ scene }) => scene);
    const asked = [drawQuestions, drawOpenQuestions].map((draw) => draw(all, 1));
    const yesNo = (['no', 'yes'] as const).map((answer) => drawYesNo(all, 1, answer));
    let calls = 0;
    const reply = (parts: Partial<Parts>): Reply => {
      calls++;
      return Promise.resolve(parts as Parts) as unknown as Reply;
    };
    const index = (audio: unknown): number => known.get((audio as Float32Array)[0]) ?? -1;
    const bagpiper = {
      info: { source: '', name: 'oracle', hash: 'oracle', parameters: 0, threads: 1, codec: null },
      describe: (audio: unknown) => reply({ caption: records[index(audio)]?.caption ?? '' }),
      ask: (audio: unknown, question: string, { choices }: AskOptions) => {
        const i = index(audio);
        if (i < 0) return reply({ answer: 'not a clue' });
        const text = choices ? `${question} ${listChoices(choices)}` : question;
        const { answer } = [...asked, ...yesNo].map((list) => list[i]).find((q) => q?.text === text)!;
        if (!choices) return reply({ answer });
        return reply({ answer, choice: { index: choices.indexOf(answer), text: answer, named: true } });
      },
    } as unknown as Bagpiper;
    return { bagpiper, calls: () => calls };
  }

  it('is passed by the truth, goes on where it was, and shows that silence says nothing', async () => {
    const { bagpiper, calls } = await oracle();
    const first = await evaluateNano(bagpiper, settings('oracle'));
    const value = (measure: string) => first.rows.find((row) => row.measure === measure)?.value;
    expect(value('speech, music and sound all told right')).toBe(1);
    expect(value('event F1, labels')).toBe(1);
    expect(value('word error rate of the quoted words')).toBe(0);
    expect(value('order of events right') ?? 1).toBe(1);
    expect(value('four-choice questions right')).toBe(1);
    expect(value('open questions, exact fact right')).toBe(1);
    expect(value('absent-event questions answered no')).toBe(1);
    expect(value('present-event questions answered yes')).toBe(1);
    expect(value('the same questions asked with silence')).toBe(0);
    expect(value('answers that name none or several of the choices')).toBe(0);
    expect(first.rows.find((row) => row.part === 'render')?.note).toBe('not measured (the model has no codec)');
    const made = 60 + records.filter(({ scene }) => scene.events.length > 0).length;
    expect(calls()).toBe(made);
    expect((await evaluateNano(bagpiper, settings('oracle'))).rows).toEqual(first.rows);
    expect(calls()).toBe(made);
  });

  it('fixes measures on train clips alone', async () => {
    await expect(fitMeasures(join(root, 'corpus'), () => {})).rejects.toThrow(/takes clips of the split "train"/);
  });

  it('refuses clips that were trained on, unless it is asked what is remembered', () => {
    const trained = writeSmallCorpus(join(root, 'trained'), 2, 'train');
    expect(() => readClips(join(root, 'trained'), 2)).toThrow(/split "train"/);
    expect(() => readClips(join(root, 'trained'), 3)).toThrow(/holds 2 clips; 3 are needed.*--split train/);
    expect(readClips(join(root, 'trained'), 2, { learned: true }).map(({ record }) => record)).toEqual(trained);
  });

  it('passes over clips', () => {
    const passed = readClips(join(root, 'corpus'), 3, { skip: 5 });
    expect(passed.map(({ record }) => record)).toEqual(records.slice(5, 8));
    expect(() => readClips(join(root, 'corpus'), 3, { skip: 10 })).toThrow(/holds 12 clips; 13 are needed/);
  });

  describe('with random weights', () => {
    let bagpiper: Bagpiper;
    beforeAll(async () => {
      await writeRandomModel(
        join(root, 'model'),
        records.map(({ scene }) => scene),
      );
      bagpiper = await loadBagpiper(join(root, 'model'), { threads: 1 });
    });
    afterAll(() => bagpiper?.close());

    it('runs every part through the real verbs', async () => {
      const folder = mkdtempSync(join(root, 'real-'));
      writeFileSync(join(folder, 'labels.jsonl'), `${JSON.stringify({ id: 'a', file: 'a.wav', domain: 'sound' })}\n`);
      const shard = join(root, 'corpus', 'shard-00000');
      writeFileSync(join(folder, 'a.wav'), readFileSync(join(shard, records[0].audio)));
      const { rows, model } = await evaluateNano(bagpiper, settings('random', { clips: 2, real: folder }));
      expect(new Set(rows.map(({ part }) => part))).toEqual(new Set(settings('').parts));
      expect(model.hash).toMatch(/^[0-9a-f]{16}$/);
      const value = (measure: string) => rows.find((row) => row.measure === measure)?.value;
      expect(value('finite samples')).toBe(1);
      expect(value('nano codec: STFT, spectral convergence')).toBeGreaterThan(0);
      const [work] = readdirSync(join(root, 'random'));
      expect(readdirSync(join(root, 'random', work, 'render'))).toHaveLength(2);
      // Renderings that are the best of several takes lie apart from those of one.
      const best = await evaluateNano(bagpiper, settings('random', { clips: 2, parts: ['render'], takes: 2 }));
      expect(best.rows.map(({ measure }) => measure)).toEqual(
        rows.filter(({ part }) => part === 'render').map(({ measure }) => measure),
      );
      expect(readdirSync(join(root, 'random', work, 'render-2-takes'))).toHaveLength(2);
    });
  });
});
