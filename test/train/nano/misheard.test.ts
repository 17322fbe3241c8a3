import { describe, expect, it } from 'vitest';
import { EVENTS, INSTRUMENTS, LEXICON } from '../../../src/corpus/index.js';
import { Random } from '../../../src/random.js';
import { mishear } from '../../../src/train/nano/misheard.js';
import { scenes } from './clips.js';

const SCENES = scenes(150, 'misheard');
const random = new Random('misheard');
const PAIRS = SCENES.map((scene) => ({ scene, heard: mishear(scene, random) }));

/** Share of pairs that differ. */
const differing = <T>(pairs: readonly (readonly [T, T])[]): number =>
  pairs.filter(([a, b]) => a !== b).length / pairs.length;

describe('mishear', () => {
  it('leaves most things as they are and takes some for others', () => {
    const words = PAIRS.flatMap(({ scene, heard }) =>
      scene.speech.flatMap((turn, i) => {
        const said = heard.speech[i].sentence.split(' ');
        return turn.sentence.split(' ').map((word, k) => [word, said[k]] as const);
      }),
    );
    const instruments = PAIRS.flatMap(({ scene, heard }) =>
      (scene.music?.instruments ?? []).map((id, i) => [id, heard.music!.instruments[i]] as const),
    );
    // Hundreds of words: 0.3 by four standard deviations; an instrument may be taken for itself.
    expect(words.length).toBeGreaterThan(400);
    expect(Math.abs(differing(words) - 0.3)).toBeLessThan(0.09);
    expect(differing(instruments)).toBeGreaterThan(0.05);
    expect(differing(instruments)).toBeLessThan(0.4);
  });

  it('stays in the small world, with events in order inside the clip', () => {
    for (const { scene, heard } of PAIRS) {
      expect(heard.events.length).toBe(scene.events.length);
      expect(heard.events.map(({ start }) => start)).toEqual(
        heard.events.map(({ start }) => start).sort((a, b) => a - b),
      );
      for (const { label, start, end } of heard.events) {
        expect(EVENTS.map((kind) => kind.label)).toContain(label);
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(scene.seconds);
        expect(end).toBeGreaterThanOrEqual(start);
      }
      for (const id of heard.music?.instruments ?? []) expect(INSTRUMENTS.map((kind) => kind.id)).toContain(id);
      for (const [i, { sentence }] of heard.speech.entries()) {
        const [before, after] = [scene.speech[i].sentence, sentence];
        expect(after.slice(-1)).toBe(before.slice(-1));
        expect(after.split(' ').length).toBe(before.split(' ').length);
        for (const word of after.toLowerCase().split(' ')) expect(LEXICON).toContain(word.replace(/[.?!,]+$/, ''));
      }
    }
  });

  it('does not touch the scene', () => {
    expect(SCENES).toEqual(scenes(150, 'misheard'));
  });
});
