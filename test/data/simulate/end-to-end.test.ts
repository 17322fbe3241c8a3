/** All three variants on a scripted model behind a real socket, and what happens when it breaks a rule. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChat } from '../../../src/data/llm/index.js';
import type { ChatClient } from '../../../src/data/llm/types.js';
import type { Variant } from '../../../src/data/simulate/flow.js';
import type { Judged } from '../../../src/data/simulate/judge.js';
import type { Dialogue } from '../../../src/data/types.js';
import { parseGeneration, parseUnderstanding } from '../../../src/tasks/index.js';
import { type ChatBody, ScriptedEndpoint } from '../scripted-endpoint.js';
import { flow, SETTINGS } from './flow.js';
import { goodReply, ScriptedClient, type Spoil, toolsWith } from './model.js';
import { promptedBy } from './runs.js';
import { SCENES } from './scenes.js';

const sources = SCENES.map(({ source }) => source);
const [TRAIN] = SCENES;

describe('over HTTP', () => {
  let big: ScriptedEndpoint;
  let small: ScriptedEndpoint;
  const clients: ChatClient[] = [];
  const script = ({ body }: { body: ChatBody }): string => goodReply(promptedBy(body));

  beforeAll(async () => {
    big = await ScriptedEndpoint.start({ script, models: ['big'] });
    small = await ScriptedEndpoint.start({ script, models: ['small'] });
    for (const { address } of [big, small]) clients.push(await openChat({ endpoints: address }));
  });
  afterAll(async () => {
    for (const client of clients) await client.close();
    await big.stop();
    await small.stop();
  });

  /** Thinking by the small model, all else by the big one. */
  const run = (variant: Variant) => flow(variant, sources, (asks) => toolsWith(clients[asks === 'thinking' ? 1 : 0]!));

  it('makes generation dialogues of both levels', async () => {
    const { results, aside, tokens } = await run('generation');
    expect(aside).toEqual({});
    const dialogues = results['generation-dialogues'] as Dialogue[];
    expect(dialogues.map(({ id }) => id)).toEqual([
      'clips_train_realistic',
      'clips_train_imaginary',
      'clips_cat_realistic',
      'clips_cat_imaginary',
      'songs_river_realistic',
      'songs_river_imaginary',
      'field_rain_realistic',
      'field_rain_imaginary',
    ]);
    const [first] = dialogues as [Dialogue];
    expect(first.messages.map(([role, modality]) => `${role} ${modality}`)).toEqual([
      'system text',
      'user text',
      'assistant text',
      'assistant audio',
    ]);
    expect(first.messages[0][2]).toBe('Make it.');
    expect(first.messages[1]![2]).toBe(TRAIN!.realistic);
    expect(parseGeneration(first.messages[2]![2])).toEqual({
      thinking: TRAIN!.thinking,
      caption: TRAIN!.source.caption,
    });
    expect(first.metadata).toEqual({
      dataset: 'clips',
      detail_level: 'realistic',
      persona: TRAIN!.persona,
      original_idx: 'train',
    });
    expect(dialogues[2]!.audio).toEqual({ uri: '/sounds/long.wav', start: 3, end: 9 });
    const judged = results['generation-judged'] as Judged[];
    expect(judged.every(({ overall_score, overall_pass }) => overall_score === 4 && overall_pass)).toBe(true);
    expect(Object.values(judged[0]!.scores).map((dimensions) => Object.keys(dimensions).length)).toEqual([
      5, 5, 5, 4, 3,
    ]);
    expect(tokens).toBeGreaterThan(0);
    // A persona and two requests a clip, a plan an example, a judgement an example.
    expect([big.asked.length, small.asked.length]).toEqual([4 * 2 + 8, 8]);
    expect(small.asked[0]!.body).toMatchObject({ model: 'small', temperature: 0.3, max_tokens: 1024 });
    expect(big.asked.at(-1)!.body).toMatchObject({ temperature: 0.1, max_tokens: 1536 });
  });

  it('makes understanding dialogues of every kind', async () => {
    const { results, aside } = await run('understanding');
    expect(aside).toEqual({});
    const dialogues = results['understanding-dialogues'] as Dialogue[];
    expect(
      dialogues
        .filter(({ id }) => id.startsWith('clips_train_'))
        .map(({ id }) => id)
        .sort(),
    ).toEqual([
      'clips_train_compositional_q0',
      'clips_train_compositional_qa0',
      'clips_train_simple_q0',
      'clips_train_simple_qa0',
    ]);
    const [first] = dialogues as [Dialogue];
    expect(first.messages.map(([role, modality]) => `${role} ${modality}`)).toEqual([
      'user audio',
      'user text',
      'assistant text',
    ]);
    const { caption, thinking, answer } = parseUnderstanding(first.messages[2]![2]);
    expect(caption).toContain(`Caption of the audio: ${TRAIN!.source.caption}\nS1 speaks from 0.20s to 3.10s.`);
    expect(thinking.split('\n').map((line) => line.split(':')[0])).toEqual([
      '- User Intent',
      '- Evidence & Salient Audio Cues',
      '- Inferred Details (Assumptions)',
      '- Answering Plan',
      '- Self-Check',
    ]);
    expect(answer).toMatch(/^It is .* on\.$/);
    expect(results['understanding-judged']).toHaveLength(16);
  });

  it('makes requests for speech and song in every group', async () => {
    const { results, aside } = await run('tts');
    expect(aside).toEqual({
      'tts-voices rain': { kind: 'nothing_spoken', message: 'The caption quotes no spoken or sung words.' },
    });
    const dialogues = results['tts-dialogues'] as Dialogue[];
    expect(dialogues.map(({ id }) => id)).toEqual([
      'clips_train_classical',
      'clips_train_general',
      'clips_train_role-play',
      'clips_train_intent-to-speech',
      'clips_cat_multi-talker',
      'songs_river_singing',
    ]);
    for (const { id, messages } of dialogues) {
      expect(messages.map(([role, modality]) => `${role} ${modality}`)).toEqual([
        'user text',
        'assistant text',
        'assistant audio',
      ]);
      const spoken = id.endsWith('intent-to-speech')
        ? null
        : SCENES.find(({ source }) => id.includes(source.id.replace('clips_', '')))!;
      for (const { words } of spoken?.voices?.turns ?? []) expect(messages[0][2]).toContain(words);
      expect(messages[1]![2]).toMatch(/^<think>\nPart A - [^*]*Part B - [^*]*Part C - [^*]*<\/think>\n\n/);
    }
    const judged = results['tts-judged'] as Judged[];
    expect(judged.map(({ scores }) => Object.keys(scores.speech!).length)).toEqual([4, 4, 4, 4, 5, 4]);
  });

  it('asks the same again for the same seed, and other styles for another', async () => {
    const asked = async (seed: number): Promise<string[]> => {
      const client = new ScriptedClient();
      await flow('tts', sources, () => toolsWith(client, seed), { ...SETTINGS, seed });
      return client.asked.map(({ text }) => text);
    };
    const first = await asked(1);
    expect(await asked(1)).toEqual(first);
    expect(await asked(2)).not.toEqual(first);
  });
});

/** Runs one clip with replies of a kind spoilt: always, or only at first. */
async function spoilt(variant: Variant, spoil: Spoil, first = false) {
  const client = new ScriptedClient((asked, good) => (first && asked.repair ? undefined : spoil(asked, good)));
  const done = await flow(variant, sources.slice(0, 1), () => toolsWith(client));
  return { ...done, asked: client.asked };
}

const json = (schema: string, change: (value: Record<string, never>) => unknown): Spoil => {
  return (asked, good) => (asked.schema === schema ? JSON.stringify(change(JSON.parse(good))) : undefined);
};
const free = (mark: string, change: (good: string) => string): Spoil => {
  return (asked, good) => (asked.schema === '' && asked.first.includes(mark) ? change(good) : undefined);
};

/** One broken reply for each question that is asked of a model: variant, stage, reason, spoiler. */
const BROKEN: [Variant, string, string, Spoil][] = [
  ['generation', 'requests train', 'persona_unknown', json('persona', () => ({ persona: 'a ghost' }))],
  [
    'generation',
    'requests train',
    'quote_missing',
    json('requests', (value) => ({
      ...value,
      realistic: 'A worried young woman in a large hall, quick and short of breath, near us, who urges somebody on.',
    })),
  ],
  ['generation', 'requests train', 'reply_malformed', json('requests', ({ realistic }) => ({ realistic }))],
  [
    'generation',
    'requests train',
    'reply_malformed',
    ({ schema }) => (schema === 'requests' ? 'I will not.' : undefined),
  ],
  [
    'generation',
    'requests train',
    'reply_cut',
    ({ schema }, text) => (schema === 'requests' ? { text: text.slice(0, 40), finish: 'length' } : undefined),
  ],
  [
    'generation',
    'thinking clips_train_realistic',
    'thinking_parts',
    free('1. User Intent', () => 'I think that this should be done well, and with care. '.repeat(3)),
  ],
  ['generation', 'thinking clips_train_realistic', 'tags', free('1. User Intent', (good) => `${good}\n<think>`)],
  [
    'generation',
    'judged clips_train_realistic',
    'reply_malformed',
    json('judgement', (value) => ({ ...value, alignment: {} })),
  ],
  [
    'generation',
    'judged clips_train_realistic',
    'reply_malformed',
    json('judgement', (value) => ({
      ...value,
      training_value: Object.fromEntries(
        ['learning_signal', 'non_trivial', 'persona_fit'].map((name) => [name, { score: 6, flaws: null }]),
      ),
    })),
  ],
  [
    'understanding',
    'annotations train',
    'transcription_changed',
    json('annotation', (value) => ({
      ...value,
      words: { ...(value.words as object), transcription: 'The last train left.' },
    })),
  ],
  [
    'understanding',
    'questions train',
    'question_count',
    json('questions', ({ questions }) => ({ questions: (questions as unknown[]).slice(1) })),
  ],
  [
    'understanding',
    'answers clips_train_simple_qa0',
    'answer_sentences',
    json('answer', (value) => ({ ...value, answer: 'At nine.' })),
  ],
  [
    'understanding',
    'judged clips_train_simple_qa0',
    'reply_malformed',
    ({ schema }) => (schema === 'judgement' ? '{"scores": 3' : undefined),
  ],
  [
    'tts',
    'voices train',
    'turn_changed',
    json('voices', (value) => ({ ...value, turns: [{ speaker: 'S1', words: 'The last train left at nine.' }] })),
  ],
  [
    'tts',
    'requests clips_train_classical',
    'placeholder_count',
    free('everyday English; only traits', () => 'Let a worried young woman say this quickly.'),
  ],
  [
    'tts',
    'requests clips_train_general',
    'application_unknown',
    json('applications', () => ({ applications: ['a', 'b', 'c'] })),
  ],
  [
    'tts',
    'requests clips_train_general',
    'reply_malformed',
    free('REQUEST:', () => 'For my listeners, say [TEXT] like a worried young woman.'),
  ],
  [
    'tts',
    'requests clips_train_role-play',
    'third_person',
    free('Write a persona', (good) => good.replace('I have', 'He has')),
  ],
  [
    'tts',
    'requests clips_train_intent-to-speech',
    'words_leaked',
    free('Write one request from which', (good) => `${good} The last train leaves at nine, hurry.`),
  ],
  ['tts', 'requests clips_train_intent-to-speech', 'reply_malformed', json('rating', () => ({ rating: 'high' }))],
  [
    'tts',
    'plans clips_train_intent-to-speech',
    'inferred_missing',
    free('Part A - Intention', (good) => good.replace('Inferred text: ', '')),
  ],
  [
    'tts',
    'judged clips_train_classical',
    'reply_malformed',
    json('judgement', () => ({ speech: { voice_attribute_match: { score: 5 } } })),
  ],
];

describe('a reply that breaks a rule', () => {
  it.each(BROKEN)('%s-%s: %s', async (variant, record, kind, spoil) => {
    const good = await spoilt(variant, () => undefined);
    const mended = await spoilt(variant, spoil, true);
    expect(mended.aside).toEqual({});
    expect(mended.results).toEqual(good.results);
    const repair = mended.asked.find((asked) => asked.repair);
    expect(repair?.request.messages.at(-1)?.content).toMatch(/cannot be used:\n- \S/);
    const lost = await spoilt(variant, spoil);
    expect(lost.aside[`${variant}-${record}`]?.kind).toBe(kind);
    // Asked twice, not more: nobody is shown two bad replies.
    const shown = lost.asked.map(({ request }) => request.messages.filter(({ role }) => role === 'assistant').length);
    expect(Math.max(...shown)).toBe(1);
  });

  it('is not asked for again where the record itself is unfit', async () => {
    const low = await spoilt(
      'tts',
      json('rating', () => ({ rating: 3 })),
    );
    expect(low.aside['tts-requests clips_train_intent-to-speech']?.kind).toBe('intent_low');
    expect(low.asked.some(({ repair }) => repair)).toBe(false);
    const alone = async (change: object) => {
      const { aside } = await flow('tts', [{ ...sources[0]!, ...change }], () => toolsWith(new ScriptedClient()));
      return Object.values(aside).map(({ kind }) => kind);
    };
    expect(await alone({ transcript: 'the last bus leaves at nine so please hurry up' })).toEqual([
      'transcript_disagrees',
    ]);
    expect(await alone({ transcript: 'hello the last train leaves at nine so please hurry up' })).toEqual([
      'transcript_disagrees',
    ]);
    const sung = await flow('tts', [{ ...sources[2]!, more: { lyrics_wer: 0.5 } } as never], () =>
      toolsWith(new ScriptedClient()),
    );
    expect(Object.values(sung.aside).map(({ kind }) => kind)).toEqual(['lyrics_unreliable']);
  });
});
