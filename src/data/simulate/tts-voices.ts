/** TTS variant, step 1: who says or sings what in a clip, taken from its caption and checked against it. */
import { SetAside } from '../types.js';
import { ask, structured } from './ask.js';
import type { Rule } from './rules.js';
import { flag, list, object, text } from './shape.js';
import { bareWords, occurs, quotationsIn, spokenIn, trimmed, wordsOf } from './text.js';
import { GROUPS, type Group, groupsFor } from './tts-groups.js';
import { exampleId, randomFor, type Source, type Step, type Tools } from './types.js';

export interface Turn {
  speaker: string;
  words: string;
}

/** The id is the clip's. */
export interface Voices extends Source {
  speakers: { speaker: string; traits: string }[];
  turns: Turn[];
  singing: boolean;
}

/** A clip for one group. The id is the example's: dataset_idx_group. */
export interface GroupSource extends Voices {
  source: string;
  group: Group;
  /** the words of each turn, in order */
  words: string[];
}

export interface VoicesCase {
  speakers: { speaker: string; traits: string }[];
  turns: Turn[];
  caption: string;
}

export const VOICES_RULES: readonly Rule<VoicesCase>[] = [
  {
    name: 'turn_changed',
    broken({ turns, caption }) {
      const quoted = quotationsIn(caption);
      const odd = turns.find(({ words }) => !quoted.some((quotation) => occurs(words, quotation)));
      return odd === undefined ? null : `The turn '${odd.words}' is not quoted by the caption; copy its words exactly.`;
    },
  },
  {
    name: 'turn_missing',
    broken({ turns, caption }) {
      const all = turns.map(({ words }) => trimmed(words)).join(' ');
      const lost = spokenIn(caption).find((quotation) => !occurs(quotation, all));
      return lost === undefined ? null : `No turn has the words '${trimmed(lost)}', which the caption quotes.`;
    },
  },
  {
    name: 'speaker_unknown',
    broken({ speakers, turns }) {
      const odd = turns.find((turn) => !speakers.some(({ speaker }) => speaker === turn.speaker));
      return odd === undefined ? null : `Speaker "${odd.speaker}" has a turn but is not among the speakers.`;
    },
  },
  {
    name: 'speaker_traits',
    broken({ speakers }) {
      const bare = speakers.find(({ traits }) => wordsOf(traits).length < 2);
      return bare === undefined ? null : `Speaker "${bare.speaker}" has no traits; say age, gender, manner or mood.`;
    },
  },
];

const VOICES = object({
  singing: flag(),
  speakers: list(
    object({ speaker: text('S1, S2, ...'), traits: text('age, gender, accent, pace, mood, as the caption tells') }),
  ),
  turns: list(object({ speaker: text(), words: text('exactly as the caption quotes them') })),
});

/** T 0, 1,024 tokens: ours, as upstream only names the step. Clips in which nothing is quoted are set aside unasked. */
export function voicesStep(tools: Tools): Step<Source, Voices> {
  const shaped = structured('voices', VOICES);
  return async (source, context) => {
    const { caption } = source;
    const spoken = spokenIn(caption);
    if (spoken.length === 0) {
      throw new SetAside({ kind: 'nothing_spoken', message: 'The caption quotes no spoken or sung words.' });
    }
    checkTranscript(source, spoken);
    const { singing, speakers, turns } = await ask(
      tools,
      {
        prompt: 'tts-voices',
        values: { caption },
        temperature: 0,
        maxTokens: 1024,
        schema: shaped.schema,
        read: (reply) => ({ ...shaped.read(reply), caption }),
        rules: VOICES_RULES,
      },
      context,
    );
    return { ...source, speakers, turns, singing };
  };
}

/** Where a source tells what was said, the caption must say the same: its quotations cover it, and lie in it. */
function checkTranscript({ transcript }: Source, spoken: readonly string[]): void {
  if (transcript === undefined || transcript.trim() === '') return;
  const heard = ` ${bareWords(transcript).join(' ')} `;
  const odd = spoken.find((quotation) => !heard.includes(` ${bareWords(quotation).join(' ')} `));
  const told = new Set(spoken.flatMap(bareWords));
  const lost = bareWords(transcript).find((word) => !told.has(word));
  if (odd === undefined && lost === undefined) return;
  const what = odd === undefined ? `leaves out "${lost}"` : `quotes '${trimmed(odd)}'`;
  throw new SetAside({ kind: 'transcript_disagrees', message: `The caption ${what}, unlike the transcript.` });
}

/**
 * The examples that a clip gives: one of the groups that suit it, drawn by the seed, or all of them.
 * @param wanted groups to make at all
 */
export function groupSources(
  tools: Pick<Tools, 'seed'>,
  voices: Voices,
  wanted: readonly Group[] = GROUPS,
  all = false,
): GroupSource[] {
  const heard = new Set(voices.turns.map(({ speaker }) => speaker)).size;
  const fitting = groupsFor({ singing: voices.singing, speakers: heard }).filter((group) => wanted.includes(group));
  if (fitting.length === 0) return [];
  const groups = all ? fitting : [randomFor(tools, voices.id, 'group').pick(fitting)];
  const words = voices.turns.map((turn) => turn.words);
  return groups.map((group) => ({ ...voices, id: exampleId(voices, group), source: voices.id, group, words }));
}
