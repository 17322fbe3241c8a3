/**
 * True rich captions. Each section draws its sentences from `caption-forms.ts` and notes what it states, so that
 * questions can be asked about exactly what a caption says; `facts.ts` reads the same facts back from the text.
 */

import type { Random } from '../../random.js';
import type { Scene, Speaker, SpeechTurn } from '../scene.js';
import { FORMS, type FormName, VERBS_OF_SPEECH } from './caption-forms.js';
import { type CaptionFacts, noFacts, type SpeakerFact } from './facts.js';
import { capital, fill, type Values } from './forms.js';
import * as p from './phrases.js';

/** Parts that begin later or end earlier than this many seconds from the clip's ends have their times stated. */
const EDGE = 1;

/** A true caption of the scene, of about 30 to 90 words. */
export function caption(scene: Scene, random: Random): string {
  return captionWithFacts(scene, random).text;
}

/** The caption together with the facts that it states. */
export function captionWithFacts(scene: Scene, random: Random): { text: string; facts: CaptionFacts } {
  const writer = new Writer(scene, random);
  return { text: writer.write(), facts: writer.facts };
}

/** What a scene has. Sound means events or an ambience. */
export function scenePresence(scene: Scene): p.Presence {
  return {
    speech: scene.speech.length > 0,
    music: scene.music !== null,
    sound: scene.events.length > 0 || scene.ambience !== null,
  };
}

/** Whether there is speech and nothing else. */
export function isSpeechAlone(scene: Scene): boolean {
  const { speech, music, sound } = scenePresence(scene);
  return speech && !music && !sound;
}

class Writer {
  readonly facts = noFacts();
  constructor(
    private readonly scene: Scene,
    private readonly random: Random,
  ) {
    this.facts.presence = scenePresence(scene);
  }

  write(): string {
    const sections = [this.speech(), this.music(), this.events(), this.ambience()];
    const body = this.random.chance(0.6) ? sections : this.random.shuffle(sections);
    const tail = this.random.shuffle([this.room(), this.quality(), this.absence()]);
    return [this.global(), ...body.flat(), ...tail.flat()].join(' ');
  }

  private say(name: FormName, values: Values = {}): string {
    return fill(this.random.pick(FORMS[name] as readonly string[]), values, this.random);
  }

  private global(): string {
    const { scene, random, facts } = this;
    const kinds = p.kinds.write(facts.presence, random);
    const single = Object.values(facts.presence).filter(Boolean).length === 1;
    const name: FormName = single && random.chance(0.4) ? 'globalOnly' : 'global';
    const form = random.pick(FORMS[name] as readonly string[]);
    const withSeconds = random.chance(0.7);
    if (withSeconds) facts.seconds = Math.round(scene.seconds);
    return fill(form, { kinds, seconds: withSeconds ? String(facts.seconds) : undefined }, random);
  }

  private speech(): string[] {
    const { scene, random } = this;
    if (scene.speech.length === 0) return [];
    const out: string[] = [];
    const speaking = new Set(scene.speech.map((turn) => turn.speaker)).size;
    if (speaking === 1 && random.chance(0.2)) out.push(this.say('oneSpeaker'));
    if (speaking === 2 && random.chance(0.4)) out.push(this.say('twoSpeakers'));
    const known = new Map<number, number>();
    for (const turn of scene.speech) {
      const index = known.get(turn.speaker);
      if (index === undefined) {
        known.set(turn.speaker, known.size);
        out.push(...this.introduce(turn, known.size - 1));
      } else out.push(this.continueSpeech(turn, index));
    }
    return out;
  }

  /** The first turn of a speaker, with what is to be said of the voice. */
  private introduce(turn: SpeechTurn, index: number): string[] {
    const { scene, random, facts } = this;
    const speaker = scene.speakers[turn.speaker] as Speaker;
    const fact = this.describe(speaker);
    facts.speakers.push(fact);
    const start = random.chance(0.6) ? p.roundTime(turn.start) : null;
    facts.turns.push({ speaker: index, sentence: turn.sentence, start });
    const alike = facts.speakers.slice(0, index).some((s) => s.gender === fact.gender && s.age === fact.age);
    const noun = p.person.write(fact, random);
    const values = {
      who: alike ? random.pick([`another ${noun}`, `a second ${noun}`]) : p.withArticle(noun),
      accent: fact.accent === null ? undefined : p.accent.write(fact.accent, random),
      manner: p.manner.write(fact, random) || undefined,
      ...this.turnValues(turn, start),
    };
    if (random.chance(0.25)) {
      const ref = this.reference(index, scene.speakers.length > 1);
      return [this.say('speechVoice', values), this.say('speechWords', { ...values, ref })];
    }
    if (index > 0 && random.chance(0.6)) return [this.say('speechReply', values)];
    return [this.say(start !== null && random.chance(0.25) ? 'speechIntroTimed' : 'speechIntro', values)];
  }

  private describe(speaker: Speaker): SpeakerFact {
    const { random } = this;
    return {
      gender: speaker.gender,
      age: speaker.age,
      accent: random.chance(0.5) ? speaker.accent : null,
      pace: speaker.pace !== 'normal' || random.chance(0.1) ? speaker.pace : null,
      mood: speaker.mood !== 'neutral' || random.chance(0.2) ? speaker.mood : null,
    };
  }

  private continueSpeech(turn: SpeechTurn, index: number): string {
    const { random, facts } = this;
    const start = random.chance(0.75) ? p.roundTime(turn.start) : null;
    facts.turns.push({ speaker: index, sentence: turn.sentence, start });
    const values = { ref: this.reference(index, false), ...this.turnValues(turn, start) };
    return this.say(start !== null && random.chance(0.3) ? 'speechNextTimed' : 'speechNext', values);
  }

  private turnValues(turn: SpeechTurn, start: number | null): Values & { quote: string } {
    const last = turn.sentence.slice(-1) as keyof typeof VERBS_OF_SPEECH;
    return {
      says: this.random.pick(VERBS_OF_SPEECH[last] ?? VERBS_OF_SPEECH['.']),
      when: start === null ? undefined : p.when.write(start, this.random),
      quote: `"${turn.sentence}"`,
    };
  }

  /** "she" or "the woman" where that is clear, else "the first man", "the second man". */
  private reference(index: number, othersToCome: boolean): string {
    const { facts, random, scene } = this;
    const me = facts.speakers[index] as SpeakerFact;
    const all: readonly p.Person[] = othersToCome ? scene.speakers : facts.speakers;
    if (all.filter((other) => other.gender === me.gender).length === 1 && random.chance(0.6))
      return p.PRONOUN[me.gender];
    const noun = p.headNoun(me);
    const same = facts.speakers.map((s, i) => (p.headNoun(s) === noun ? i : -1)).filter((i) => i >= 0);
    if (same.length < 2) return `the ${noun}`;
    return same[0] === index ? `the first ${noun}` : random.pick([`the second ${noun}`, `the other ${noun}`]);
  }

  private music(): string[] {
    const { scene, random, facts } = this;
    const music = scene.music;
    if (!music) return [];
    const modeStated = random.chance(0.7);
    const fact = {
      instruments: [...music.instruments],
      tempo: music.tempo,
      mood: random.chance(0.7) ? music.mood : null,
      key: modeStated && random.chance(0.2) ? music.key : null,
      mode: modeStated ? music.mode : null,
      role: music.role === 'background' || random.chance(0.3) ? music.role : null,
      start: music.start > EDGE ? p.roundTime(music.start) : null,
      end: music.end < scene.seconds - EDGE ? p.roundTime(music.end) : null,
      drums: music.drums ? true : random.chance(0.2) ? false : null,
    };
    facts.music = fact;
    const values: Values = {
      instruments: p.instruments.write(fact.instruments, random),
      tempo: p.tempo.write(fact.tempo, random),
      mood: fact.mood ? p.musicMood.write(fact.mood, random) : undefined,
      key: fact.mode ? p.key.write({ key: fact.key, mode: fact.mode }, random) : undefined,
      role: fact.role ? p.role.write(fact.role, random) : undefined,
      from: fact.start === null ? undefined : p.from.write(fact.start, random),
      until: fact.end === null ? undefined : p.until.write(fact.end, random),
    };
    const out = random.chance(0.6)
      ? [this.say('musicWhole', values)]
      : [this.say('musicPlay', values), this.say('musicIs', values)];
    if (fact.drums !== null) out.push(this.say(fact.drums ? 'drums' : 'noDrums'));
    return out;
  }

  private events(): string[] {
    const { scene, random, facts } = this;
    const seen = new Set<string>();
    const mentions = scene.events.map((event) => {
      const fact = {
        label: event.label,
        start: random.chance(0.88) ? p.roundTime(event.start) : null,
        distance: event.distance !== 'middle' && random.chance(0.7) ? event.distance : null,
      };
      facts.events.push(fact);
      const again = seen.has(event.label);
      seen.add(event.label);
      return p.writeEvent(fact, again, random);
    });
    const out: string[] = [];
    while (mentions.length > 0) {
      const first = mentions.shift() as string;
      const second = mentions.length > 0 && random.chance(0.5) ? (mentions.shift() as string) : null;
      const join = random.pick([', and then ', ', then ', ', and later ']);
      out.push(`${capital(second === null ? first : first + join + second)}.`);
    }
    return out;
  }

  private ambience(): string[] {
    const label = this.scene.ambience?.label;
    if (label === undefined) return [];
    this.facts.ambience = label;
    return [this.say('ambience', { ambience: p.ambience.write(label, this.random) })];
  }

  private room(): string[] {
    const { kind } = this.scene.room;
    if (!this.random.chance({ dry: 0.25, room: 0.85, hall: 1 }[kind])) return [];
    this.facts.room = kind;
    return [this.say(kind)];
  }

  private quality(): string[] {
    const { facts, random } = this;
    const { band, noise } = this.scene.quality;
    const out: string[] = [];
    if (band === 'narrow') {
      facts.band = band;
      out.push(this.say('narrow'));
    }
    if (noise !== 'none') {
      facts.noise = noise;
      out.push(this.say('noisy', { noise }));
    }
    if (out.length === 0 && random.chance(0.35)) {
      Object.assign(facts, { band, noise });
      out.push(this.say('clean'));
    }
    return out;
  }

  /** What is not there, said outright most of the time. */
  private absence(): string[] {
    const { facts, random } = this;
    const missing = (['speech', 'music', 'sound'] as const).filter((kind) => !facts.presence[kind]);
    const stated = missing.filter(() => random.chance(0.75));
    facts.absent = [...stated].sort();
    if (stated.length === 0) return [];
    if (stated.length === 1 && stated[0] === 'sound') return [this.say('noSound')];
    if (stated.length === 1 && random.chance(0.3)) return [this.say(stated[0] === 'speech' ? 'noSpeech' : 'noMusic')];
    const names = stated.map((kind) => (kind === 'sound' ? 'sound effects' : kind));
    const absent = random.chance(0.5) ? `no ${names.join(' or ')}` : names.map((name) => `no ${name}`).join(' and ');
    return [this.say('absent', { absent })];
  }
}
