import { describe, expect, it } from 'vitest';
import type { Scene } from '../../src/corpus/scene.js';
import { AMBIENCES, EVENTS } from '../../src/corpus/sources/events.js';
import { INSTRUMENTS } from '../../src/corpus/sources/instruments.js';
import { caption, captionWithFacts } from '../../src/corpus/words/caption.js';
import { extractFacts, presence } from '../../src/corpus/words/facts.js';
import { splitSentences } from '../../src/corpus/words/forms.js';
import {
  AMBIENCE_SURFACES,
  EVENT_SURFACES,
  INSTRUMENT_SURFACES,
  surfaceLabel,
} from '../../src/corpus/words/surfaces.js';
import { Random } from '../../src/random.js';
import { randomScene } from './random-scene.js';

const half = (seconds: number): number => Math.round(seconds * 2) / 2;

/** Every stated fact holds in the scene, and what a caption must state is stated. */
function expectTrue(scene: Scene, text: string): void {
  const facts = extractFacts(text);
  const sound = scene.events.length > 0 || scene.ambience !== null;
  expect(facts.presence).toEqual({ speech: scene.speech.length > 0, music: scene.music !== null, sound });
  if (facts.seconds !== null) expect(facts.seconds).toBe(Math.round(scene.seconds));
  expect(facts.speakers.map((s) => [s.gender, s.age])).toEqual(scene.speakers.map((s) => [s.gender, s.age]));
  facts.speakers.forEach((fact, i) => {
    const truth = scene.speakers[i]!;
    expect([truth.accent, null]).toContain(fact.accent);
    expect(fact.pace).toBe(truth.pace === 'normal' ? fact.pace && 'normal' : truth.pace);
    expect(fact.mood).toBe(truth.mood === 'neutral' ? fact.mood && 'neutral' : truth.mood);
  });
  expect(facts.turns.map((t) => [t.speaker, t.sentence])).toEqual(scene.speech.map((t) => [t.speaker, t.sentence]));
  for (const [i, t] of facts.turns.entries()) expect([half(scene.speech[i]!.start), null]).toContain(t.start);
  expect(facts.events.map((e) => e.label)).toEqual(scene.events.map((e) => e.label));
  facts.events.forEach((e, i) => {
    expect([half(scene.events[i]!.start), null]).toContain(e.start);
    expect([scene.events[i]!.distance, null]).toContain(e.distance);
  });
  expect(facts.ambience).toBe(scene.ambience?.label ?? null);
  if (scene.music) {
    expect(facts.music?.instruments).toEqual(scene.music.instruments);
    expect(facts.music?.tempo).toBe(scene.music.tempo);
    expect([scene.music.mode, null]).toContain(facts.music?.mode);
    if (scene.music.role === 'background') expect(facts.music?.role).toBe('background');
  } else expect(facts.music).toBeNull();
  if (scene.quality.band === 'narrow') expect(facts.band).toBe('narrow');
  if (scene.quality.noise !== 'none') expect(facts.noise).toBe(scene.quality.noise);
  for (const kind of facts.absent) expect(facts.presence[kind]).toBe(false);
}

describe('caption', () => {
  it('states only true facts, and its facts can be read back exactly', () => {
    const random = new Random('captions');
    for (let i = 0; i < 2000; i++) {
      const scene = randomScene(random);
      const { text, facts } = captionWithFacts(scene, random);
      expect(extractFacts(text), text).toEqual(facts);
      expectTrue(scene, text);
      expect(presence(text)).toEqual(facts.presence);
    }
  });

  it('has no broken grammar that a pattern can see', () => {
    const random = new Random('grammar');
    for (let i = 0; i < 1000; i++) {
      const text = caption(randomScene(random), random);
      expect(text.replace(/"[^"]*"/g, '""')).not.toMatch(
        / {2}|\ba [aeioAEIO]|\ban [^aeiouAEIO]|undefined|[{}[\]<>|]| [.,:]|\b(\w+) \1\b/,
      );
      expect((text.match(/"/g) ?? []).length % 2).toBe(0);
      for (const sentence of splitSentences(text)) expect(sentence).toMatch(/^[A-Z].*[.?!]"?$/);
    }
  });

  it('keeps within a hundred words and a closed vocabulary, and varies', () => {
    const random = new Random('variety');
    const words = new Set<string>();
    const texts = new Set<string>();
    let total = 0;
    for (let i = 0; i < 2000; i++) {
      const text = caption(randomScene(random), random);
      texts.add(text.replace(/"[^"]*"/g, ''));
      const bare = text.replace(/"[^"]*"/g, ' ').toLowerCase();
      const list = bare.match(/[a-z'-]+/g) ?? [];
      for (const word of list) words.add(word);
      total += text.split(' ').length;
    }
    expect(texts.size).toBeGreaterThan(1990);
    expect(words.size).toBeLessThan(400);
    expect(total / 2000).toBeGreaterThan(35);
    expect(total / 2000).toBeLessThan(90);
  });
});

describe('presence and extractFacts', () => {
  it('read text that is not ours without failing', () => {
    expect(presence('')).toEqual({ speech: false, music: false, sound: false });
    expect(extractFacts('Blah. A dog barks at about 2 seconds. "Open').events).toEqual([
      { label: 'dog bark', start: 2, distance: null },
    ]);
    expect(presence('Something odd. A dog barks.')).toEqual({ speech: false, music: false, sound: true });
    expect(presence('This clip contains speech with music and sou').music).toBe(false);
  });

  it('do not take quoted words for sounds', () => {
    const text = 'This clip contains speech. A man says: "A dog barks."';
    expect(extractFacts(text).events).toEqual([]);
    expect(extractFacts(text).turns).toEqual([{ speaker: 0, sentence: 'A dog barks.', start: null }]);
  });
});

describe('surfaces', () => {
  it('name exactly the sounds of the catalogues, each with its own words', () => {
    expect(Object.keys(EVENT_SURFACES).sort()).toEqual(EVENTS.map((e) => e.label).sort());
    expect(Object.keys(AMBIENCE_SURFACES).sort()).toEqual(AMBIENCES.map((a) => a.label).sort());
    expect(Object.keys(INSTRUMENT_SURFACES).sort()).toEqual(INSTRUMENTS.map((i) => i.id).sort());
    const all = [...EVENTS.map((e) => e.label), ...AMBIENCES.map((a) => a.label), ...INSTRUMENTS.map((i) => i.id)];
    const phrases = [...all.map(surfaceLabel), ...Object.values(EVENT_SURFACES).map((s) => s.clause)];
    expect(new Set(phrases).size).toBe(phrases.length);
  });
});
