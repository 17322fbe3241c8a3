import { describe, expect, it } from 'vitest';
import { eventAsked, extractFacts, factSpans, makeWords, presence } from '../../../src/corpus/index.js';
import type { Message, TokenGrid } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import { parseGeneration, parseUnderstanding, SYSTEM_PROMPT } from '../../../src/tasks/index.js';
import { trainTokenizer } from '../../../src/train/nano/prepare.js';
import { buildSample, conversation, type Example, planPass, type SampleKind } from '../../../src/train/nano/samples.js';
import { nanoConfig } from '../../../src/train/nano/settings.js';
import { truthOf } from '../../corpus/truth.js';
import { farthest } from '../../model/codec/tiny-codec.js';
import { scenes } from './clips.js';

const config = nanoConfig();
const { tokenizer } = trainTokenizer(scenes(15, 'tokenizer'), 600, 'samples');
const random = new Random('samples');
const EXAMPLES = scenes(20, 'samples').map((scene, i): Example => {
  const features = Float32Array.from({ length: (3 + (i % 4)) * config.adaptor_input_dim }, () => random.normal());
  const codes = Int32Array.from({ length: 8 * (5 + (i % 3)) }, () => random.int(256));
  return { scene, features, codes, told: makeWords(scene, random).caption };
});

const talk = (kind: SampleKind, i: number, seed = `seed/${i}`): Message[] =>
  conversation({ example: i, kind, seed }, EXAMPLES[i], tokenizer, config);

/** Messages as "role modality", as in the table of docs/model.md. */
const shape = (messages: Message[]): string[] => messages.map(({ role, modality }) => `${role} ${modality}`);

function textOf(message: Message): string {
  if (message.modality !== 'text') throw new Error('no text');
  return tokenizer.decode(Array.from(message.textIds));
}

/** What the words of a plan may be: those that its seed makes. */
const wordsOf = (i: number, seed = `seed/${i}`) => makeWords(EXAMPLES[i].scene, new Random(seed));
const FOUR_PARTS = /^1\. User Intent: .*\n2\. Inferred Details: .*\n3\. Audio Quality: .*\n4\. Generation Plan: .*$/;

describe('conversation', () => {
  const indices = EXAMPLES.map((_, i) => i);

  it.each<[SampleKind, string[]]>([
    ['caption', ['user audio', 'assistant text']],
    ['sound', ['user text', 'assistant audio']],
    ['text', ['assistant text']],
    ['ask', ['user audio', 'user text', 'assistant text']],
    ['choose', ['user audio', 'user text', 'assistant text']],
    ['read', ['user text', 'user text', 'assistant text']],
    ['copy', ['user text', 'assistant text']],
    ['listen', ['user audio', 'user text', 'assistant text']],
    ['recall', ['user text', 'user text', 'assistant text']],
    ['missing', ['user text', 'user text', 'assistant text']],
    ['event', ['user audio', 'user text', 'assistant text']],
    ['render', ['system text', 'user text', 'assistant text', 'assistant audio']],
  ])('of %s has the published form, with this clip as sound', (kind, form) => {
    for (const i of indices) {
      const messages = talk(kind, i);
      expect(shape(messages)).toEqual(form);
      for (const message of messages) {
        if (message.modality !== 'audio') continue;
        if ('codes' in message) expect(message.codes).toBe(EXAMPLES[i].codes);
        else expect(message.frames).toBe(3 + (i % 4));
      }
    }
  });

  it('puts true captions where the published model has them', () => {
    for (const i of indices) {
      const { scene } = EXAMPLES[i];
      const truth = {
        speech: scene.speech.length > 0,
        music: scene.music !== null,
        sound: scene.events.length > 0 || scene.ambience !== null,
      };
      const captions = [
        textOf(talk('caption', i)[1]),
        textOf(talk('sound', i)[0]),
        textOf(talk('text', i)[0]),
        parseUnderstanding(textOf(talk('ask', i)[2])).caption,
        parseGeneration(textOf(talk('render', i)[2])).caption,
      ];
      for (const caption of captions) expect(presence(caption), caption).toMatchObject(truth);
    }
  });

  it('asks a question of this clip and answers after a caption and a thought', () => {
    for (const i of indices) {
      const [, asked, said] = talk('ask', i).map((m) => (m.modality === 'text' ? textOf(m) : ''));
      const question = wordsOf(i).questions.find(({ text }) => text === asked)!;
      const { thinking, answer } = parseUnderstanding(said);
      expect(answer).toBe(question.answer);
      expect(thinking).toBe(question.thinking);
      expect(said).toMatch(/^[^<]+\n\n<think>\n[^<]+\n<\/think>\n\n[^<]+$/);
    }
  });

  it('lets choose after what the model told', () => {
    for (const i of indices) {
      const [, asked, said] = talk('choose', i).map((m) => (m.modality === 'text' ? textOf(m) : ''));
      const question = wordsOf(i).questions.find(({ text }) => text === asked)!;
      expect(question.choices).toContain(question.answer);
      const { caption, thinking, answer } = parseUnderstanding(said);
      expect([caption, answer]).toEqual([EXAMPLES[i].told, question.answer]);
      expect(thinking).toBe(question.thinking);
    }
  });

  it('lets choose after a caption with mistakes where the model told none', () => {
    let right = 0;
    for (const i of indices) {
      const { told, ...example } = EXAMPLES[i];
      const messages = conversation({ example: i, kind: 'choose', seed: `seed/${i}` }, example, tokenizer, config);
      const [, asked, said] = messages.map((m) => (m.modality === 'text' ? textOf(m) : ''));
      const { caption, answer } = parseUnderstanding(said);
      expect(wordsOf(i).questions.find(({ text }) => text === asked)?.answer).toBe(answer);
      expect(presence(caption)).not.toBeNull();
      if (caption === wordsOf(i).caption) right++;
    }
    expect(right).toBeLessThan(indices.length / 2);
  });

  it('says a caption that it read again, before it answers from it', () => {
    for (const i of indices) {
      const [given, asked, said] = talk('read', i).map((m) => (m.modality === 'text' ? textOf(m) : ''));
      const { questions, caption } = wordsOf(i);
      const question = questions.find(({ text }) => text === asked)!;
      expect(given).toBe(caption);
      const read = parseUnderstanding(said);
      expect([read.caption, read.answer]).toEqual([caption, question.answer]);
      expect(read.thinking).toBe(question.thinking);
    }
  });

  it('has ids without sense, or choices in their order, said again', () => {
    const seen = { ids: 0, choices: 0 };
    for (const i of [...indices, ...indices.map((i) => i + EXAMPLES.length)]) {
      const example = EXAMPLES[i % EXAMPLES.length];
      const messages = conversation({ example: i, kind: 'copy', seed: `copy/${i}` }, example, tokenizer, config);
      const [given, said] = messages.map((m) => (m.modality === 'text' ? Array.from(m.textIds) : []));
      const [question, listed] = messages.map((m) => (m.modality === 'text' ? textOf(m) : ''));
      const choices = /\(A\) (.+) \(B\) (.+) \(C\) (.+) \(D\) (.+)$/s.exec(question);
      if (choices) {
        seen.choices++;
        expect(listed).toBe(`(A) ${choices[1]}; (B) ${choices[2]}; (C) ${choices[3]}; (D) ${choices[4]}`);
      } else {
        seen.ids++;
        expect(said).toEqual(given);
        expect(given.length).toBeGreaterThanOrEqual(8);
        // Nothing but looking back tells the next one.
        expect(new Set(given).size).toBeGreaterThan(given.length / 2);
        expect(Math.max(...given)).toBeLessThan(tokenizer.vocabSize);
      }
    }
    expect(Math.min(seen.ids, seen.choices)).toBeGreaterThan(0);
  });

  it('answers an open question by ear where what the model told is not what is asked', () => {
    const seen = { caption: 0, again: 0 };
    for (const i of indices) {
      const [, asked, said] = talk('listen', i).map((m) => (m.modality === 'text' ? textOf(m) : ''));
      const question = wordsOf(i).questions.find(({ text }) => text === asked)!;
      expect(question.choices).toBeUndefined();
      // What is said, and single events, are to be found in the caption.
      expect(question.kind).not.toBe('transcript');
      expect(eventAsked(question)).toBeNull();
      const { caption, thinking, answer } = parseUnderstanding(said);
      expect([caption, answer]).toEqual([EXAMPLES[i].told, question.answer]);
      const told = thinking === question.thinking;
      if (told) seen.caption++;
      else {
        seen.again++;
        expect(thinking).toContain('Listening again, ');
        expect(thinking).not.toContain('caption');
        expect(caption.toLowerCase()).not.toContain(answer.toLowerCase());
      }
    }
    expect(Math.min(seen.caption, seen.again)).toBeGreaterThan(0);
  });

  it('draws kinds of questions evenly over many captions, however seldom a caption offers one', () => {
    const drawn = new Map<string, number>();
    const draws = 4000;
    for (let k = 0; k < draws; k++) {
      const seed = `even/${k}`;
      const i = k % EXAMPLES.length;
      const [, asked] = talk('recall', i, seed).map((m) => textOf(m));
      const { kind, choices } = wordsOf(i, seed).questions.find(({ text }) => text === asked)!;
      const group = `${kind}${choices ? ' with choices' : ''}`;
      drawn.set(group, (drawn.get(group) ?? 0) + 1);
    }
    // 22 groups; among the questions of a scene presence is ten times as frequent as order.
    expect(drawn.size).toBe(22);
    for (const [group, count] of drawn) expect(count / draws, group).toBeGreaterThan(0.015);
    for (const [group, count] of drawn) expect(count / draws, group).toBeLessThan(0.12);
  });

  it('asks in words alone, to be answered without the caption', () => {
    for (const i of indices) {
      const [told, asked, said] = talk('recall', i).map((m) => textOf(m));
      const { caption, questions } = wordsOf(i);
      expect(told).toBe(caption);
      expect(questions.map(({ text, thinking }) => [text, thinking])).toContainEqual([asked, said]);
    }
  });

  it('lists sounds and asks which of four is not among them', () => {
    for (const i of indices) {
      const [told, asked, said] = talk('missing', i).map((m) => textOf(m));
      const right = /Not heard: \([A-D]\) ([^.]+)\.$/.exec(said)![1];
      expect(asked).toContain(`) ${right}`);
      expect(told.toLowerCase()).not.toContain(right);
    }
  });

  it('asks for one event, of clips that have some as often for one that is there as for one that is not', () => {
    const said = { yes: 0, no: 0, nothing: 0 };
    for (let draw = 0; draw < 400; draw++) {
      const i = draw % EXAMPLES.length;
      const [asked, answered] = talk('event', i, `event/${draw}`)
        .slice(1)
        .map((m) => textOf(m));
      const { caption, answer } = parseUnderstanding(answered);
      expect(caption).toBe(wordsOf(i, `event/${draw}`).caption);
      expect(truthOf(EXAMPLES[i].scene, asked)(answer), `${asked} ${answer}`).toBe(true);
      const about = eventAsked({ kind: 'presence', text: asked, answer, thinking: '' });
      const { events } = extractFacts(caption);
      const there = events.some(({ label }) => label === about);
      expect(answer).toMatch(there ? /^Yes, / : /^No, /);
      if (events.length === 0) said.nothing++;
      else said[there ? 'yes' : 'no']++;
    }
    expect(said.nothing).toBeGreaterThan(0);
    expect(said.yes / (said.yes + said.no)).toBeGreaterThan(0.35);
    expect(said.yes / (said.yes + said.no)).toBeLessThan(0.65);
  });

  it('renders a request after four parts of thinking', () => {
    for (const i of indices) {
      const [system, asked, said] = talk('render', i).map((m) => (m.modality === 'text' ? textOf(m) : ''));
      const request = wordsOf(i).requests.find(({ text }) => text === asked)!;
      expect(system).toBe(SYSTEM_PROMPT);
      expect(parseGeneration(said).thinking).toBe(request.thinking);
      expect(request.thinking).toMatch(FOUR_PARTS);
      expect(said).toMatch(/^<think>\n[^<]+\n<\/think>\n\n[^<]+$/);
    }
  });

  it('is worded by the seed', () => {
    const said = new Set(Array.from({ length: 8 }, (_, k) => textOf(talk('caption', 0, `other/${k}`)[1])));
    expect(said.size).toBeGreaterThan(5);
    expect(talk('ask', 3)).toEqual(talk('ask', 3));
  });
});

/** The last message's text in runs of ids that count the same. */
function weighed(grid: TokenGrid): { weight: number; ids: number; text: string }[] {
  const { contentStart, contentLength } = grid.segments[grid.segments.length - 1];
  const runs: { weight: number; ids: number[] }[] = [];
  for (let row = contentStart; row < contentStart + contentLength; row++) {
    const weight = grid.lossMask[row * 8];
    if (runs.at(-1)?.weight !== weight) runs.push({ weight, ids: [] });
    runs.at(-1)!.ids.push(grid.ids[row * 8] - config.text_token_offset);
  }
  return runs.map(({ weight, ids }) => ({ weight, ids: ids.length, text: tokenizer.decode(ids) }));
}

describe('buildSample', () => {
  const build = (kind: SampleKind, example: Example, audio_cfg = 0, seed = 'build') =>
    buildSample({ example: 0, kind, seed }, example, tokenizer, { ...config, audio_cfg });

  it.each(['caption', 'ask', 'read', 'render', 'text', 'sound'] as const)(
    'learns all that the assistant says in %s',
    (kind) => {
      for (const example of EXAMPLES) {
        const { grid } = build(kind, example);
        grid.segments.forEach(({ contentStart, contentLength, kind: content }, i) => {
          const assistant = kind === 'text' || i >= { caption: 1, ask: 2, read: 2, render: 2, sound: 1 }[kind];
          const rows = Array.from(
            { length: contentLength + 3 },
            (_, k) => grid.lossMask[(contentStart - 2 + k) * 8] > 0,
          );
          expect(
            rows.every((scored) => scored === assistant),
            `${content} ${i}`,
          ).toBe(true);
        });
      }
    },
  );

  it('leaves the caption that was told unscored in choose, and nothing else', () => {
    const endings = [(told: string) => told, (told: string) => told.replace(/[^a-z]+$/, ''), () => 'Music', () => ''];
    for (const [i, example] of EXAMPLES.entries()) {
      const told = endings[i % 4](example.told!);
      const { grid } = build('choose', { ...example, told });
      const runs = weighed(grid);
      // A mark and the empty line after it may be one token.
      const unscored = runs[0].weight === 0 ? runs.shift()!.text : '';
      expect(unscored.trimEnd()).toBe(told);
      const scored = runs.map(({ text }) => text).join('');
      expect(scored.trimStart()).toMatch(/^<think>\n[^<]+\n<\/think>\n\n[^<]+$/);
      expect(runs.filter(({ weight }) => ![1, 3, 8, 16].includes(weight))).toEqual([]);
      // Role, modality and end rows are learned.
      const { contentStart, contentLength } = grid.segments[grid.segments.length - 1];
      const marks = [contentStart - 2, contentStart - 1, contentStart + contentLength];
      expect(marks.map((row) => grid.lossMask[row * 8])).toEqual([1, 1, 1]);
    }
  });

  /** Ids of the last message up to its answer, with what they count. */
  const thought = (kind: SampleKind, i: number) => weighed(build(kind, EXAMPLES[i], 0, `${kind}/${i}`).grid);
  const indices = EXAMPLES.map((_, i) => i);

  it('lets a choice by ear count eight times, sixteen times what is copied into the thinking, and the answer three times', () => {
    const seen = new Set<string>();
    for (let k = 0; k < 4 * EXAMPLES.length; k++) {
      const runs = weighed(build('choose', EXAMPLES[k % EXAMPLES.length], 0, `choose/${k}`).grid).filter(
        ({ weight }) => weight > 0,
      );
      const heavy = runs.filter(({ weight }) => weight > 3);
      const { thinking, answer } = parseUnderstanding(
        `-\n\n${runs
          .map(({ text }) => text)
          .join('')
          .trim()}`,
      );
      // Ids begin with the space before a word, and may hold the mark after it.
      const words = heavy.map(({ text }) => text.trim().replace(/[.,:;]$/, ''));
      const chosen = runs.filter(({ weight }) => weight === 3).map(({ text }) => text);
      expect(chosen.join('').trim()).toBe(answer);
      const weights = [...new Set(heavy.map(({ weight }) => weight))];
      if (thinking.includes('Not heard: ')) {
        seen.add('missing');
        const letters = [...thinking.matchAll(/\(([A-D-])\)/g)].map(([, letter]) => letter);
        expect([words.map((word) => word.replace(/[()]/g, '')), weights]).toEqual([letters, [16]]);
      } else if (thinking.includes('heard first')) {
        seen.add('first');
        expect([answer.startsWith(`the ${words[0]}`), words.length, weights]).toEqual([true, 1, [16]]);
      } else {
        seen.add('by ear');
        expect([words, weights]).toEqual([[answer.replace(/[.?!]$/, '')], [8]]);
      }
    }
    expect([...seen].sort()).toEqual(['by ear', 'first', 'missing']);
  });

  it('lets the id that says whether the event is there count sixteen times', () => {
    const said = new Set<string>();
    for (const i of indices) {
      const runs = thought('event', i);
      const heavy = runs.findIndex(({ weight }) => weight === 16);
      expect(runs.filter(({ weight }) => weight === 16)).toEqual([runs[heavy]]);
      const textOf = (some: typeof runs) => some.map(({ text }) => text).join('');
      expect(textOf(runs.slice(0, heavy))).toMatch(/The caption tells of [^.]+\. Asked for and heard:$/);
      const { thinking, answer } = parseUnderstanding(textOf(runs));
      const found = /heard: (.+)\.$/.exec(thinking)![1];
      expect(` ${found}.`.startsWith(runs[heavy].text)).toBe(true);
      said.add(answer.slice(0, 3));
      if (found === 'none') expect(answer).toMatch(/^No, /);
      else expect(answer).toMatch(new RegExp(`^Yes, (an? )?${found} (is|are) heard`));
    }
    expect([...said].sort()).toEqual(['No,', 'Yes']);
  });

  it('lets the first sentence and the facts of a caption count five times and quoted words three times, wherever it is learned', () => {
    for (const kind of ['caption', 'ask', 'event', 'read'] as const) {
      for (const i of indices) {
        const { caption } = makeWords(EXAMPLES[i].scene, new Random(`${kind}/${i}`));
        let at = 0;
        for (const { text, weight } of thought(kind, i)) {
          const [from, to] = [at, at + text.length];
          at = to;
          if (to > caption.length) break;
          const opening = caption.indexOf('.') + 1;
          const facts = [...factSpans(caption), { from: 0, to: opening }];
          const fact = facts.find((span) => span.from < to && from < span.to);
          // Where a run has the end of one fact and the beginning of the next in one id, it counts as both.
          if (weight === 1) expect(fact, `${text} in ${caption}`).toBeUndefined();
          else expect([3, 5, 9, 15, 25], text).toContain(weight);
          if (weight === 3) expect(text).toContain('"');
        }
        expect(at).toBeGreaterThan(caption.length / 2);
      }
    }
  });

  it('lets coarse streams count more, a frame that repeats the one before a quarter, and the end four times', () => {
    const { num_stream: streams } = config;
    const [one, two] = [1, 2].map((code) => new Array<number>(streams).fill(code));
    const nearly = [...two.slice(0, -1), 3];
    const codes = Int32Array.from([one, one, one, two, nearly, nearly].flat());
    const example = { ...EXAMPLES[0], codes };
    for (const kind of ['sound', 'render'] as const) {
      // The seed is one that keeps the condition.
      const { grid } = buildSample({ example: 0, kind, seed: 'kept' }, example, tokenizer, config);
      const { contentStart } = grid.segments[grid.segments.length - 1];
      const weights = Array.from({ length: 6 }, (_, f) =>
        Array.from({ length: streams }, (_, s) => grid.lossMask[(contentStart + f + s) * streams + s] * streams),
      );
      // The mean of a frame's streams is that of any other row.
      const [first] = weights;
      expect(first.reduce((a, b) => a + b, 0) / streams).toBeCloseTo(1, 6);
      expect(first).toEqual([...first].sort((a, b) => b - a));
      expect(first[0] / first[streams - 1]).toBeCloseTo(3.5, 6);
      for (const [frame, part] of [1, 0.25, 0.25, 1, 1, 0.25].entries()) {
        for (const [s, weight] of weights[frame].entries()) expect(weight / first[s]).toBeCloseTo(part, 6);
      }
      // The row after the last frame: the first stream has no code there any more.
      const row = (contentStart + 6) * streams;
      expect(grid.ids[row]).toBe(config.codec_base_offset);
      expect(grid.lossMask[row] * streams).toBeCloseTo(4 * first[0], 6);
      expect(grid.lossMask[row + streams] * streams).toBeCloseTo(1, 6);
    }
  });

  it('brings features for every span that takes some', () => {
    for (const kind of ['caption', 'ask', 'choose'] as const) {
      for (const example of EXAMPLES) {
        const { grid, features } = build(kind, example, 1);
        expect(features.length).toBe(1);
        expect(features[0]).toBe(example.features);
        expect(grid.continuous.map(({ length }) => length * config.adaptor_input_dim)).toEqual([features[0].length]);
      }
    }
    for (const kind of ['sound', 'render', 'text'] as const) {
      const { grid, features } = build(kind, EXAMPLES[0]);
      expect([grid.continuous, features]).toEqual([[], []]);
    }
  });

  it('says a turn alone, from its beginning to its end', () => {
    const frames = 500;
    const { num_stream: streams } = config;
    const codes = Int32Array.from({ length: frames * streams }, (_, i) => Math.floor(i / streams) % 256);
    const spoken = EXAMPLES.filter(({ scene }) => scene.speech.length > 0);
    expect(spoken.length).toBeGreaterThan(5);
    for (const [i, { scene, features }] of spoken.entries()) {
      const messages = conversation(
        { example: 0, kind: 'say', seed: `say/${i}` },
        { scene, features, codes },
        tokenizer,
        config,
      );
      expect(shape(messages)).toEqual(['user text', 'assistant audio']);
      const turn = scene.speech.find(({ sentence }) => textOf(messages[0]).endsWith(`: "${sentence}"`))!;
      const { gender } = scene.speakers[turn.speaker];
      expect(textOf(messages[0])).toMatch(gender === 'man' ? /^an? (\w+ )?(man|boy):/ : /^an? (\w+ )?(woman|girl):/);
      const said = (messages[1] as { codes: Int32Array }).codes;
      // 25 frames a second.
      expect(said[0]).toBe(Math.floor(turn.start * 25) % 256);
      expect(said.length / streams).toBe(Math.ceil(turn.end * 25) - Math.floor(turn.start * 25));
    }
    expect(planPass(EXAMPLES, () => ({ say: 1 }), 'say').length).toBe(spoken.length);
  });

  it('tells rows that say something to look at the words about to be said', () => {
    const { num_stream: streams } = config;
    const codes = new Int32Array(500 * streams);
    for (const kind of ['say', 'sound', 'render'] as const) {
      const whole = EXAMPLES.filter(({ scene }) => scene.speech.length > 0 && scene.seconds < 10);
      for (const [i, { scene: made, features }] of whole.entries()) {
        // Later words take longer.
        const speech = made.speech.map((turn) => {
          const words = turn.sentence.split(' ');
          const wordEnds = words.map((_, k) => turn.start + (turn.end - turn.start) * ((k + 1) / words.length) ** 1.5);
          return { ...turn, wordEnds };
        });
        const scene = { ...made, speech };
        const example = { scene, features, codes };
        const { grid, followed } = buildSample({ example: 0, kind, seed: `kept/${i}` }, example, tokenizer, config);
        if (followed === undefined) continue;
        const [text, sound] = grid.segments.slice(-2);
        const messages = conversation({ example: 0, kind, seed: `kept/${i}` }, example, tokenizer, config);
        const { textIds } = messages[messages.length - 2] as { textIds: Int32Array } & Message;
        const words = ({ from, to }: { from: number; to: number }): string =>
          tokenizer.decode(Array.from(textIds.subarray(from - text.contentStart, to - text.contentStart)));
        const turns =
          kind === 'say'
            ? scene.speech
                .filter(({ sentence }) =>
                  words({ from: text.contentStart, to: text.contentStart + text.contentLength }).includes(sentence),
                )
                .slice(0, 1)
            : scene.speech;
        for (const { sentence, start, end, wordEnds } of turns) {
          const offset = kind === 'say' ? start : 0;
          const shown = (seconds: number): string => {
            const at = sound.contentStart + Math.floor((seconds - offset) * 25) - 1;
            return words(followed.find(({ row }) => row === at)!);
          };
          expect(shown(end - 0.05)).toContain(sentence.slice(-2));
          // In the middle of a word a part of it, and nothing but what stands around it.
          for (const [k, word] of sentence.split(' ').entries()) {
            const part = shown(((wordEnds[k - 1] ?? start) + wordEnds[k]) / 2);
            const middle = word.slice(Math.floor((word.length - 1) / 2), Math.ceil((word.length + 1) / 2));
            expect(part).toContain(middle);
            expect(part.trim().split(' ').length).toBeLessThanOrEqual(3);
          }
        }
        expect(
          followed.every(
            ({ row, from, to }) =>
              from >= text.contentStart && to <= text.contentStart + text.contentLength && row >= to,
          ),
        ).toBe(true);
      }
    }
  });

  it('divides a turn evenly among its characters where it is not known when words are over', () => {
    const codes = new Int32Array(500 * config.num_stream);
    const { scene, features } = EXAMPLES.find(({ scene }) => scene.speech.length === 1)!;
    const speech = scene.speech.map((turn) => ({ ...turn, wordEnds: undefined }));
    const example = { scene: { ...scene, speech }, features, codes };
    const whole = { ...config, audio_cfg: 0 };
    const { grid, followed } = buildSample({ example: 0, kind: 'say', seed: 'even' }, example, tokenizer, whole);
    const [text, sound] = grid.segments.slice(-2);
    const [{ textIds }] = conversation({ example: 0, kind: 'say', seed: 'even' }, example, tokenizer, whole) as [
      { textIds: Int32Array } & Message,
    ];
    const [{ sentence, start, end }] = speech;
    const middle = sound.contentStart + Math.floor(((end - start) / 2) * 25) - 1;
    const { from, to } = followed!.find(({ row }) => row === middle)!;
    const shown = tokenizer.decode(Array.from(textIds.subarray(from - text.contentStart, to - text.contentStart)));
    const half = Math.round(sentence.length / 2);
    expect(shown).toContain(sentence.slice(half - 1, half + 1));
  });

  it('drops the condition of sound as often as the config says, and then everything but the sound', () => {
    for (const kind of ['sound', 'render'] as const) {
      const [whole, dropped] = [build(kind, EXAMPLES[1], 0), build(kind, EXAMPLES[1], 1)];
      expect([dropped.features, dropped.grid.continuous, dropped.grid.length]).toEqual([[], [], whole.grid.length]);
      const from = (whole.grid.segments[whole.grid.segments.length - 1].contentStart - 2) * 8;
      expect(farthest(dropped.grid.ids.subarray(from), whole.grid.ids.subarray(from))).toBe(0);
      expect([...dropped.grid.ids.subarray(0, from), ...dropped.grid.lossMask.subarray(0, from)].some(Boolean)).toBe(
        false,
      );
    }
    const drops = Array.from(
      { length: 200 },
      (_, k) => build('sound', EXAMPLES[2], 0.25, `drop/${k}`).grid.ids[0] === 0,
    );
    // 200 draws of a quarter: four standard deviations are 25.
    expect(Math.abs(drops.filter(Boolean).length - 50)).toBeLessThan(25);
  });
});

describe('planPass', () => {
  const count = (plans: readonly { kind: SampleKind }[], kind: SampleKind) =>
    plans.filter((plan) => plan.kind === kind).length;

  it('takes whole shares for every example, and fractions as probabilities', () => {
    const many = Array.from({ length: 50 }, () => EXAMPLES).flat();
    const plans = planPass(many, () => ({ caption: 1, ask: 0.5, sound: 2.25, choose: 0 }), 'plan');
    expect([count(plans, 'caption'), count(plans, 'choose'), count(plans, 'render')]).toEqual([1000, 0, 0]);
    // 1000 draws: four standard deviations are 63 and 55.
    expect(Math.abs(count(plans, 'ask') - 500)).toBeLessThan(63);
    expect(Math.abs(count(plans, 'sound') - 2250)).toBeLessThan(55);
    const sounds = many.map(() => 0);
    for (const { example, kind } of plans) if (kind === 'sound') sounds[example]++;
    expect(sounds.every((n) => n === 2 || n === 3)).toBe(true);
  });

  it('gives every sample a wording of its own, the same for the same seed', () => {
    const mixture = () => ({ caption: 1.5, render: 2 });
    const plans = planPass(EXAMPLES, mixture, 'one');
    expect(new Set(plans.map(({ seed }) => seed)).size).toBe(plans.length);
    expect(planPass(EXAMPLES, mixture, 'one')).toEqual(plans);
    const other = new Set(planPass(EXAMPLES, mixture, 'two').map(({ seed }) => seed));
    expect(plans.filter(({ seed }) => other.has(seed))).toEqual([]);
  });

  it('leaves out what an example has no codes for', () => {
    const { scene, features, codes } = EXAMPLES[0];
    const mixture = { caption: 1, sound: 1, render: 1, choose: 1, text: 1, ask: 1 };
    const kinds = (example: Example) => planPass([example], () => mixture, 'x').map(({ kind }) => kind);
    expect(kinds({ scene, features, codes })).toEqual(Object.keys(mixture));
    expect(kinds({ scene, features })).toEqual(['caption', 'choose', 'text', 'ask']);
  });

  it('asks for the mixture of each example where that differs', () => {
    const plans = planPass(
      EXAMPLES,
      ({ scene }) => (scene === EXAMPLES[3].scene ? { text: 2 } : { caption: 1 }),
      'each',
    );
    expect(count(plans, 'caption')).toBe(EXAMPLES.length - 1);
    expect(plans.filter(({ kind }) => kind === 'text').map(({ example }) => example)).toEqual([3, 3]);
  });
});
