/** Questions about a scene with their true answers. */

import type { Random } from '../../random.js';
import type { Question, Scene } from '../scene.js';
import type { CaptionFacts } from './facts.js';
import { type Ask, trueFacts } from './question-kit.js';
import { MUSIC_MAKERS } from './questions-music.js';
import { SOUND_MAKERS } from './questions-sound.js';
import { SPEECH_MAKERS } from './questions-speech.js';

const FEWEST = 6;
const MOST = 10;

/**
 * Draws 6 to 10 questions, about half with four choices, of as many kinds as the scene allows.
 * @param facts what may be asked about: by default all that is true of the scene; with the facts of a caption
 *   (`captionWithFacts`) every answer follows from that caption
 */
export function questions(scene: Scene, random: Random, facts: CaptionFacts = trueFacts(scene)): Question[] {
  const ask: Ask = { facts, random };
  const all = random.shuffle([...SPEECH_MAKERS, ...SOUND_MAKERS, ...MUSIC_MAKERS].flatMap((maker) => maker(ask)));
  const wanted = FEWEST + random.int(MOST - FEWEST + 1);
  const out: Question[] = [];
  const asked = new Set<string>();
  const answered = new Map<string, number>();
  for (let round = 1; out.length < wanted && round <= 4; round++) {
    for (const question of all) {
      if (out.length >= wanted) break;
      const chosen = out.filter((q) => q.choices).length;
      const wantsChoices = chosen * 2 <= out.length;
      const stem = question.text.split(' (A) ')[0] as string;
      const often = answered.get(question.kind) ?? 0;
      if (asked.has(stem) || often >= round || (round < 4 && wantsChoices !== Boolean(question.choices))) continue;
      asked.add(stem);
      answered.set(question.kind, often + 1);
      out.push(question);
    }
  }
  return random.shuffle(out);
}
