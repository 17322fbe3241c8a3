/** The TTS variant: six groups of requests for given words, with what is asked of request, plan and judge (arXiv 2606.22811). */
import type { Threshold } from './judge.js';

export const GROUPS = ['classical', 'general', 'multi-talker', 'role-play', 'intent-to-speech', 'singing'] as const;
export type Group = (typeof GROUPS)[number];

export interface GroupRules {
  /** stands for the words in what the model writes, exactly once; null where no words are shown, or all are */
  placeholder: '[TEXT]' | '[LYRICS]' | null;
  /** words of the request beside the placeholder and quoted speech, both limits included */
  words: readonly [number, number];
  /** characters of the request as the model writes it */
  characters: readonly [number, number];
  /** names of the plan's parts, after "Part A - ", "Part B - ", "Part C - " */
  parts: readonly [string, string, string];
  /** characters that the plan has at least, and how many parts must be named */
  planCharacters: number;
  planParts: number;
  planTokens: number;
  /** the rubric's file */
  rubric: string;
  threshold: Threshold;
}

const CLASSICAL = {
  parts: ['Intent Understanding', 'Speech Planning', 'Voice & Environment'],
  planCharacters: 50,
  planParts: 3,
  planTokens: 1024,
  rubric: 'rubric-tts',
  threshold: { min: 3, mean: 3.5 },
} as const;

export const GROUP_RULES: Readonly<Record<Group, GroupRules>> = {
  classical: { ...CLASSICAL, placeholder: '[TEXT]', words: [5, 25], characters: [5, 500] },
  general: { ...CLASSICAL, placeholder: '[TEXT]', words: [5, 30], characters: [5, 600] },
  'multi-talker': {
    ...CLASSICAL,
    placeholder: null,
    // Not stated upstream: room for a trait or two of every speaker.
    words: [10, 100],
    characters: [5, 2000],
    planTokens: 2048,
    rubric: 'rubric-tts-multi-talker',
  },
  'role-play': {
    ...CLASSICAL,
    placeholder: '[TEXT]',
    words: [20, 100],
    characters: [20, 500],
    parts: ['Persona Analysis', 'Voice Feature Inference', 'Delivery'],
    planCharacters: 80,
    planParts: 2,
  },
  'intent-to-speech': {
    ...CLASSICAL,
    placeholder: null,
    words: [10, 50],
    characters: [5, 600],
    parts: ['Intention & Voice', 'Transcription Inference', 'Delivery'],
    planCharacters: 80,
    planParts: 2,
  },
  singing: { ...CLASSICAL, placeholder: '[LYRICS]', words: [5, 45], characters: [5, 600] },
};

/** Where a classical request has its words. */
export const POSITIONS = ['start', 'middle', 'end'] as const;
export type Position = (typeof POSITIONS)[number];

/** Before the words that a plan for intent-to-speech infers; they must be the true ones. */
export const INFERRED = 'Inferred text:';

/** Which groups suit a clip, by who is heard. */
export function groupsFor({ singing, speakers }: { singing: boolean; speakers: number }): Group[] {
  if (singing) return ['singing'];
  return speakers > 1 ? ['multi-talker'] : ['classical', 'general', 'role-play', 'intent-to-speech'];
}
