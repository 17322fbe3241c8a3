import { describe, expect, it } from 'vitest';
import type { Scene } from '../../src/corpus/scene.js';
import { requests } from '../../src/corpus/words/requests.js';
import { AMBIENCE_SURFACES, EVENT_SURFACES, INSTRUMENT_SURFACES } from '../../src/corpus/words/surfaces.js';
import { Random } from '../../src/random.js';
import { randomScene } from './random-scene.js';

const random = new Random('requests');
const ALL = Array.from({ length: 1000 }, () => {
  const scene = randomScene(random);
  return { scene, list: requests(scene, random) };
});

const NOUNS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(EVENT_SURFACES).map(([label, { noun }]) => [label, noun])),
  ...AMBIENCE_SURFACES,
  ...INSTRUMENT_SURFACES,
};

/** Names everything that must be heard, no more and no less of it. */
function expectWhole(scene: Scene, text: string): void {
  const quotes = text.match(/"[^"]*"/g) ?? [];
  expect(quotes).toEqual(scene.speech.map((turn) => `"${turn.sentence}"`));
  const plain = text.replace(/"[^"]*"/g, '').toLowerCase();
  const named = Object.entries(NOUNS).flatMap(([label, noun]) =>
    plain
      .split(noun)
      .slice(1)
      .map(() => label),
  );
  const heard = [...scene.events.map((e) => e.label), ...(scene.music?.instruments ?? [])];
  if (scene.ambience) heard.push(scene.ambience.label);
  expect(named.sort(), text).toEqual(heard.sort());
  if (scene.music) {
    expect(plain).toContain(scene.music.mood);
    expect(plain).toContain(scene.music.tempo === 'medium' ? 'moderate' : scene.music.tempo);
  }
}

describe('requests', () => {
  it('come once plain and once imagined, and name everything that must be heard', () => {
    for (const { scene, list } of ALL) {
      expect(list.map((r) => r.style)).toEqual(['realistic', 'imaginary']);
      for (const { text, thinking } of list) {
        expectWhole(scene, text);
        expectWhole(scene, thinking.split('4. Generation Plan: ')[1]!);
      }
    }
  });

  it('are well-formed prose', () => {
    for (const { list } of ALL) {
      for (const { text, thinking } of list) {
        const bare = `${text}\n${thinking}`.replace(/"[^"]*([.?!])"/g, '"$1"');
        expect(bare, text).not.toMatch(/ {2}|\b[Aa] [aeioAEIO]|undefined|[{}[\]<>|]| [.,:]|\.\.|\?\.|\.\?|"\.$/m);
        expect(text).toMatch(/^[A-Z].*[.?!]"?$/);
      }
    }
  });

  it('think in four labelled parts that state only what is true of the scene', () => {
    for (const { scene, list } of ALL) {
      for (const { thinking } of list) {
        const lines = thinking.split('\n');
        const parts = ['1. User Intent: ', '2. Inferred Details: ', '3. Audio Quality: ', '4. Generation Plan: '];
        expect(lines.length).toBe(4);
        lines.forEach((line, i) => {
          expect(line.startsWith(parts[i]!)).toBe(true);
        });
        const [intent, details, quality] = lines as [string, string, string];
        expect(/speech/.test(intent)).toBe(scene.speech.length > 0);
        expect(/music/.test(intent)).toBe(scene.music !== null);
        expect(/sound effects/.test(intent)).toBe(scene.events.length > 0 || scene.ambience !== null);
        expect(details).toContain({ dry: 'a dry place', room: 'a room', hall: 'a large hall' }[scene.room.kind]);
        expect(details.toLowerCase()).toContain(`about ${Math.round(scene.seconds)} seconds`);
        expect(/telephone/.test(quality)).toBe(scene.quality.band === 'narrow');
        expect(/hiss/.test(quality)).toBe(scene.quality.noise !== 'none');
        if (scene.quality.noise !== 'none') expect(quality).toContain(`a ${scene.quality.noise} hiss`);
        expectTrueDetails(scene, details);
      }
    }
  });
});

function expectTrueDetails(scene: Scene, details: string): void {
  const half = (s: number) => Math.round(s * 2) / 2;
  const voice = / voice is (\w+) and (?:has an? (\w+) accent|the pace is (\w+))/.exec(details);
  if (voice) {
    const speaker = scene.speakers[scene.speech[0]!.speaker]!;
    expect(voice[1]).toBe(speaker.mood);
    expect([voice[2] ?? speaker.accent, voice[3] ?? speaker.pace]).toEqual([speaker.accent, speaker.pace]);
  }
  const words = /words begin at about ([\d.]+)/.exec(details);
  if (words) expect(Number(words[1])).toBe(half(scene.speech[0]!.start));
  const mode = /in a (major|minor) key(, with drums)?/.exec(details);
  if (mode) expect([mode[1], mode[2] !== undefined]).toEqual([scene.music!.mode, scene.music!.drums]);
  const role = /in the (background|foreground)/.exec(details);
  if (role) expect(role[1]).toBe(scene.music!.role);
  for (const event of scene.events) {
    const { the } = EVENT_SURFACES[event.label]!;
    const said = new RegExp(`${the} (?:is|are) (?:heard at about ([\\d.]+)|(far away|close by))`, 'i').exec(details);
    if (said?.[1]) expect(Number(said[1])).toBe(half(event.start));
    if (said?.[2]) expect(event.distance).toBe(said[2] === 'far away' ? 'far' : 'close');
  }
}
