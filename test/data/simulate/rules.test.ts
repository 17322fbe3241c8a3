/** Every rule of simulation broken once, and only that one. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ANNOTATION_RULES, type AnnotationCase } from '../../../src/data/simulate/annotation.js';
import { ANSWER_RULES, type AnswerCase } from '../../../src/data/simulate/answers.js';
import { QUESTION_COUNT_RULE, QUESTION_RULES, type QuestionCase } from '../../../src/data/simulate/questions.js';
import { GENERATION_RECORD_RULES, generationCase, type RecordCase } from '../../../src/data/simulate/records.js';
import { personaRule, REQUEST_RULES, type RequestCase } from '../../../src/data/simulate/requests.js';
import { brokenRules, type Rule } from '../../../src/data/simulate/rules.js';
import { THINKING_RULES, type ThinkingCase } from '../../../src/data/simulate/thinking.js';
import { GROUPS, type Group } from '../../../src/data/simulate/tts-groups.js';
import { type PlanCase, planRules } from '../../../src/data/simulate/tts-plan.js';
import { applicationRules } from '../../../src/data/simulate/tts-requests.js';
import { nameIn, type SpeechRequestCase, speechRequestRules } from '../../../src/data/simulate/tts-rules.js';
import { VOICES_RULES, type VoicesCase } from '../../../src/data/simulate/tts-voices.js';
import type { Dialogue } from '../../../src/data/types.js';
import { generationText } from '../../../src/tasks/index.js';
import { emptyAnnotation, SCENES, speaker } from './scenes.js';

const [TRAIN, CAT, RIVER] = SCENES as [(typeof SCENES)[0], (typeof SCENES)[0], (typeof SCENES)[0]];
const caption = TRAIN.source.caption;
const words = TRAIN.voices!.turns[0]!.words;

const manual = readFileSync(new URL('../../../docs/data-simulation.md', import.meta.url), 'utf8');
const DOCUMENTED = new Set(manual.match(/\b[a-z]+(?:_[a-z]+)*\b/g));

type Row<T> = [rule: string, value: Partial<T>, also?: string[]];

/**
 * A good value, and for each rule what breaks it alone (`also`: what cannot be kept then). A rule that stands in the list twice
 * has a row for each.
 */
function table<T>(name: string, rules: readonly Rule<T>[], good: T, bad: readonly Row<T>[]): void {
  describe(name, () => {
    it('passes what is good', () => expect(brokenRules(rules, good)).toEqual([]));
    it.each(bad)('%s', (rule, change, also = []) => {
      const found = brokenRules(rules, { ...good, ...change });
      expect(found.map(({ kind }) => kind)).toEqual([rule, ...also]);
      // A sentence for the model and for people.
      expect(found[0]?.message).toMatch(/^\S.{15,}[.:\w]$/s);
    });
    it('is in the documentation', () => {
      expect(rules.filter((rule) => !DOCUMENTED.has(rule.name)).map((rule) => rule.name)).toEqual([]);
    });
    it('has a row for every rule', () => {
      expect(bad.map(([rule]) => rule).sort()).toEqual(rules.map((rule) => rule.name).sort());
    });
  });
}

const request: RequestCase = { caption, realistic: TRAIN.realistic, imaginary: TRAIN.imaginary };
const said = `'${words}'`;

table('requests', REQUEST_RULES, request, [
  ['request_length', { realistic: `A worried young woman in a hall says: ${said}` }],
  ['request_length', { imaginary: `Late again. ${said}` }],
  ['non_latin', { realistic: `${TRAIN.realistic} Спасибо.` }],
  ['non_latin', { imaginary: `${TRAIN.imaginary} 谢谢.` }],
  ['tags', { realistic: `<think> ${TRAIN.realistic}` }],
  ['tags', { imaginary: `${TRAIN.imaginary} </think>` }],
  ['jargon', { realistic: `${TRAIN.realistic} Roll off below 80 Hz.` }],
  ['jargon', { imaginary: `${TRAIN.imaginary} Apply a low-pass to it.` }],
  ['quote_missing', { realistic: TRAIN.realistic.replace('leaves at nine', 'goes at nine').replaceAll("'", '') }],
  ['quote_missing', { imaginary: TRAIN.imaginary.replace(said, 'hurry.') }],
  ['quote_changed', { realistic: `${TRAIN.realistic} Then she adds 'or we sleep on the bench'.` }],
  ['quote_changed', { imaginary: `${TRAIN.imaginary} He says 'I am coming'.` }],
  [
    'request_copies_caption',
    { realistic: `${TRAIN.realistic} Her pace is quick and her breath short. Behind her a large hall.` },
  ],
  [
    'request_copies_caption',
    { imaginary: `${TRAIN.imaginary} Her pace is quick and her breath short. Behind her a large hall.` },
  ],
  [
    'realistic_vague',
    { realistic: `Could you do something nice for my radio play, whatever fits best, in which we get ${said}` },
  ],
  ['imaginary_names_audio', { imaginary: `${TRAIN.imaginary} I like to hear that.` }],
  [
    'requests_alike',
    { realistic: `${TRAIN.imaginary} A worried young woman.`, imaginary: `${TRAIN.imaginary} A worried young man.` },
  ],
]);

const personas = ['a baker', 'a judge'];
table('persona', [personaRule(personas)], { persona: 'a baker' }, [['persona_unknown', { persona: 'a cook' }]]);

const thinking: ThinkingCase = { caption, thinking: TRAIN.thinking };
table('thinking', THINKING_RULES, thinking, [
  // Three names are enough for the one, too few characters for the other.
  ['thinking_short', { thinking: 'user intent inferred details audio quality' }],
  ['thinking_parts', { thinking: TRAIN.thinking.replace('User Intent', 'Wish').replace('Audio Quality', 'Quality') }],
  ['tags', { thinking: `<think>${TRAIN.thinking}` }],
  ['non_latin', { thinking: `${TRAIN.thinking} да` }],
  [
    'thinking_copies_caption',
    { thinking: `1. User Intent, Inferred Details, Audio Quality: ${caption.replace(/"[^"]*"/, '')}` },
  ],
]);

function record(change: Partial<Dialogue> = {}, told?: string): RecordCase {
  const dialogue: Dialogue = {
    id: 'clips_train_realistic',
    messages: [
      ['system', 'text', 'Make it.'],
      ['user', 'text', TRAIN.realistic],
      ['assistant', 'text', told ?? generationText({ thinking: TRAIN.thinking, caption })],
      ['assistant', 'audio', '/sounds/train.wav'],
    ],
    audio: { uri: '/sounds/train.wav' },
    metadata: {},
    ...change,
  };
  return { ...generationCase(dialogue), spoken: [words] };
}
const messages = record().dialogue.messages;
const lost = caption.replace('leaves', 'left');

table('records', GENERATION_RECORD_RULES, record(), [
  ['record_order', { dialogue: { ...record().dialogue, messages: messages.slice(1).reverse() } }],
  ['record_empty', { dialogue: { ...record().dialogue, messages: [['system', 'text', ' '], ...messages.slice(1)] } }],
  ['record_form', { thinking: `${TRAIN.thinking} And more.` }],
  ['record_audio', { dialogue: record({ audio: { uri: '/sounds/other.wav' } }).dialogue }],
  [
    'placeholder_left',
    { dialogue: { ...record().dialogue, messages: [['system', 'text', 'Say [TEXT].'], ...messages.slice(1)] } },
  ],
  ['tags', withCaption(`${caption} <think`)],
  ['non_latin', withCaption(`${caption} Да.`)],
  ['spoken_missing', { ...withCaption(lost), request: TRAIN.realistic.replace('leaves', 'left') }],
  ['thinking_short', withThinking('user intent inferred details audio quality')],
  ['thinking_parts', withThinking(TRAIN.thinking.replace('User Intent', 'Wish').replace('Audio Quality', 'Quality'))],
  ['tags', { ...withThinking(`${TRAIN.thinking} <think x`) }],
  ['non_latin', withThinking(`${TRAIN.thinking} да`)],
  [
    'thinking_copies_caption',
    withThinking(`User Intent, Inferred Details, Audio Quality: ${caption.replace(/"[^"]*"/, '')}`),
  ],
  ['quote_missing', { request: 'A worried young woman, please.' }],
  ['quote_changed', { request: `${TRAIN.realistic} She adds 'or we sleep on the bench'.` }],
]);

function withCaption(changed: string): Partial<RecordCase> {
  return { caption: changed, dialogue: record({}, `<think>\n${TRAIN.thinking}\n</think>\n\n${changed}`).dialogue };
}
function withThinking(changed: string): Partial<RecordCase> {
  return { thinking: changed, dialogue: record({}, `<think>\n${changed}\n</think>\n\n${caption}`).dialogue };
}

const annotated: AnnotationCase = { annotation: CAT.annotation, caption: CAT.source.caption, seconds: 6 };
const changed = (change: object): Partial<AnnotationCase> => ({ annotation: { ...CAT.annotation, ...change } });
table('annotations', ANNOTATION_RULES, annotated, [
  ['time_outside', changed({ timeline: { ...CAT.annotation.timeline, voiced: [{ start: 5, end: 7.01 }] } })],
  [
    'speaker_unknown',
    changed({ timeline: { ...CAT.annotation.timeline, turns: [{ speaker: 'S3', start: 0, end: 1 }] } }),
  ],
  ['speaker_count', changed({ speakers: [speaker('S1', 'male'), speaker('S2', 'female'), speaker('S3', 'female')] })],
  ['transcription_changed', changed({ words: { ...CAT.annotation.words, transcription: 'Did you feed the cat?' } })],
  ['phonetic_symbols', changed({ words: { ...CAT.annotation.words, phonetic: 'D IH1 D   Y UW1   F IY1 D E' } })],
  ['absent_yet_present', changed({ absent: { ...emptyAnnotation().absent, events: ['Clock'] } })],
  ['non_latin', changed({ entities: { named: ['Москва'], actions: [] } })],
]);

const question: QuestionCase = { caption, kind: 'simple_qa', ...TRAIN.simple };
table('questions', QUESTION_RULES, question, [
  ['question_length', { question: 'When does the last train leave?' }],
  [
    'question_names_caption',
    { question: 'At what hour does the last train leave, according to what the caption says here?' },
  ],
  ['answer_known', { answer: null }],
  ['non_latin', { question: `${question.question} Да?` }],
  ['quote_changed', { question: "At what hour does the woman say that 'the final train departs' in this clip?" }],
]);
table('count of questions', [QUESTION_COUNT_RULE], { cases: [question], expected: 1 }, [
  ['question_count', { expected: 2 }],
]);

const reply: AnswerCase = {
  ...(TRAIN.items as Omit<AnswerCase, 'answer' | 'caption' | 'question'>),
  answer: 'It leaves at nine. She says so herself.',
  caption,
  question: question.question,
};
table('answers', ANSWER_RULES, reply, [
  ['item_missing', { self_check: 'Fine.' }],
  ['thinking_length', { evidence: 'word '.repeat(400) }],
  ['answer_sentences', { answer: 'It leaves at nine.' }],
  ['tags', { answer: 'It leaves at nine. <think> She says so.' }],
  ['non_latin', { answer: 'It leaves at nine. Да.' }],
  ['quote_unheard', { answer: "It leaves at nine. She says 'run as fast as you can' to somebody." }],
]);

const voices: VoicesCase = { ...CAT.voices!, caption: CAT.source.caption };
const [first, second] = CAT.voices!.turns as [VoicesCase['turns'][0], VoicesCase['turns'][0]];
table('voices', VOICES_RULES, voices, [
  ['turn_changed', { turns: [first, second, { speaker: 'S1', words: 'Fine.' }] }],
  ['turn_missing', { turns: [first] }],
  ['speaker_unknown', { speakers: [voices.speakers[0]!] }],
  ['speaker_traits', { speakers: [{ speaker: 'S1', traits: '' }, voices.speakers[1]!] }],
]);

table('applications', applicationRules(['a', 'b', 'c', 'd']), { applications: ['a', 'b', 'c'] }, [
  ['application_count', { applications: ['a', 'b'] }],
  ['application_unknown', { applications: ['a', 'b', 'x'] }],
]);

const speech = (group: Group, request: string, more: Partial<SpeechRequestCase> = {}): SpeechRequestCase => {
  return { group, request, words: [words], turns: TRAIN.voices!.turns, ...more };
};
const long = 'very '.repeat(130).trim();
/** What breaks the rules that all groups have; `p` is the placeholder. */
const common = (good: string, p: string): Row<SpeechRequestCase>[] => [
  ['request_length', { request: `Say ${p} with unbelievable tenderness.` }],
  ['placeholder_count', { request: p === '' ? `${good} [TEXT]` : `${good} ${p}` }],
  ['non_latin', { request: good.replace(/[a-z]{4}/, 'да') }],
  ['tags', { request: good.replace(/ /, ' <think> ') }],
];

const classical = 'Let a worried young woman say [TEXT] in a quick voice.';
table('classical', speechRequestRules('classical'), speech('classical', classical, { position: 'middle' }), [
  ...common(classical, '[TEXT]'),
  ['request_characters', { request: `Let ${'a'.repeat(500)} young quick woman say [TEXT] now.` }],
  ['placeholder_position', { position: 'end' }],
]);

const general = 'For my listeners, say [TEXT] like a worried young woman.';
table('general', speechRequestRules('general'), speech('general', general), [
  ...common(general, '[TEXT]'),
  ['request_characters', { request: `Let ${'a'.repeat(600)} young quick woman say [TEXT] now.` }],
]);

const [one, two] = CAT.voices!.turns.map((turn) => turn.words) as [string, string];
const talk = `In a kitchen an older man with a flat voice asks '${one}' and a girl who is amused answers '${two}'`;
const talkers: SpeechRequestCase = {
  group: 'multi-talker',
  request: talk,
  words: [one, two],
  turns: CAT.voices!.turns,
  traits: [
    { speaker: 'S1', phrase: 'an older man with a flat voice' },
    { speaker: 'S2', phrase: 'a girl who is amused' },
  ],
};
table('multi-talker', speechRequestRules('multi-talker'), talkers, [
  ['request_length', { request: talk.replace('In a kitchen', long) }],
  ['request_characters', { request: talk.replace('kitchen', 'k'.repeat(2000)) }],
  ['placeholder_count', { request: `${talk} [TEXT]` }],
  ['non_latin', { request: `${talk} да` }],
  ['tags', { request: `${talk} <think>` }],
  ['turn_order', { request: talk.replace(one, 'X').replace(two, one).replace("'X'", `'${two}'`) }],
  ['turn_added', { request: `${talk} He says 'Oh well, never mind' then.` }],
  ['speaker_traits', { traits: [{ speaker: 'S1', phrase: 'an older man with a flat voice' }] }],
  ['markdown', { request: `**Please:** ${talk}` }],
  ['jargon', { request: `${talk} Keep the dynamic range.` }],
]);

const persona =
  'I have stood on this platform since the lamps went on, counting bags and children, and there is not much time left for us. [TEXT]';
table('role-play', speechRequestRules('role-play'), speech('role-play', persona), [
  ...common(persona, '[TEXT]'),
  ['request_characters', { request: persona.replace('platform', 'p'.repeat(400)) }],
  ['placeholder_end', { request: `${persona} and that is all I have to say tonight` }],
  ['third_person', { request: persona.replace('I have', 'She has') }],
]);

const intent = 'My sister dawdles on the platform while the clock runs, and I must get her moving now.';
table('intent-to-speech', speechRequestRules('intent-to-speech'), speech('intent-to-speech', intent), [
  ...common(intent, ''),
  ['request_characters', { request: intent.replace('platform', 'p'.repeat(600)) }],
  ['words_leaked', { request: `${intent} The last train leaves at nine.` }],
]);

const singing = 'A slow piano ballad, please, with a husky man singing [LYRICS] at home.';
table(
  'singing',
  speechRequestRules('singing'),
  { ...speech('singing', singing), words: [RIVER.voices!.turns[0]!.words] },
  [...common(singing, '[LYRICS]'), ['request_characters', { request: singing.replace('piano', 'p'.repeat(600)) }]],
);

const PLANS: Record<Group, string> = {
  classical:
    'Part A - Intent Understanding: they hurry.\nPart B - Speech Planning: quick.\nPart C - Voice & Environment: a woman, a hall.',
  general: '',
  'multi-talker': '',
  'role-play':
    'Part A - Persona Analysis: somebody in a hurry.\nPart B - Voice Feature Inference: quick and young.\nPart C - Delivery: urgent.',
  'intent-to-speech': `Part A - Intention & Voice: urging.\nPart B - Transcription Inference: time is short.\nInferred text: ${words}\nPart C - Delivery: quick.`,
  singing: '',
};
for (const group of GROUPS) {
  const good = PLANS[group] || PLANS.classical;
  const few = group === 'role-play' || group === 'intent-to-speech' ? /Part [AB] - / : /Part A - /;
  const rows: Row<PlanCase>[] = [
    ['plan_short', ...shortPlan(group)],
    ['plan_parts', { thinking: good.replaceAll(new RegExp(few, 'g'), 'Section - ') }],
    ['non_latin', { thinking: `${good} да` }],
    ['tags', { thinking: `${good} <think>` }],
  ];
  if (group === 'multi-talker') rows.push(['jargon', { thinking: `${good} Panned left.` }]);
  if (group === 'intent-to-speech') {
    rows.push(['inferred_missing', { thinking: good.replace('Inferred text: ', '') }]);
    rows.push(['inferred_changed', { thinking: good.replace('nine', 'ten') }]);
  }
  table(`plan, ${group}`, planRules(group), { group, thinking: good, words: [words] }, rows);
}

/** A plan too short by its characters. Where three labels are asked for, they alone are long enough. */
function shortPlan(group: Group): [Partial<PlanCase>, string[]] {
  if (group === 'role-play') return [{ thinking: 'Part A - Persona Analysis\nPart C - Delivery' }, []];
  if (group !== 'intent-to-speech') return [{ thinking: 'Quick.' }, ['plan_parts']];
  return [{ thinking: 'Part A - Intention & Voice\nPart C - Delivery\nInferred text: Go now', words: ['Go now'] }, []];
}

describe('names in personas', () => {
  it.each([
    ['I am Ada, and I count the bags.', 'Ada'],
    ['People who call me Ben are friends.', 'Ben'],
    ['Every Monday I count the bags, as my English aunt did in May.', undefined],
    ['On this platform I met Cleo once.', 'Cleo'],
    ['I have stood here. Nobody came.', undefined],
  ])('%s', (persona, name) => expect(nameIn(persona)).toBe(name));
});
