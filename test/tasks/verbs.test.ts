import { describe, expect, it } from 'vitest';
import { BagpiperError } from '../../src/errors.js';
import { SYSTEM_PROMPT, type VerbEvent, verbsOf } from '../../src/tasks/index.js';
import { FakeEngine } from './fake-engine.js';

const second = new Float32Array(16000);
const TEXT = ['A dog', ' barks.\n\n<thi', 'nk>\nTwo barks.\n</think>', '\n\nTwice.'];

async function eventsOf(reply: AsyncIterable<VerbEvent>): Promise<VerbEvent[]> {
  const events: VerbEvent[] = [];
  for await (const event of reply) events.push(event);
  return events;
}

const textOf = (events: readonly VerbEvent[], part: string): string =>
  events.map((event) => (event.type === 'text' && event.part === part ? event.delta : '')).join('');

describe('ask', () => {
  it('sends the sound and the question and gives the parts', async () => {
    const engine = new FakeEngine([{ text: TEXT }]);
    const parts = await verbsOf(engine).ask(second, ' How often? ', { seed: 5 });
    expect(parts).toMatchObject({ caption: 'A dog barks.', thinking: 'Two barks.', answer: 'Twice.', audio: null });
    expect(parts).toMatchObject({ seed: 5, warnings: [], stats: { promptRows: 10, textTokens: 4 } });
    const [{ messages, segments, seed }] = engine.requests;
    expect(messages[0]).toMatchObject({ role: 'user', modality: 'audio' });
    expect(messages[1]).toEqual({ role: 'user', modality: 'text', text: 'How often?' });
    expect({ segments, seed }).toEqual({ segments: ['text'], seed: 5 });
  });

  it('lists the choices and gives the one that the answer names', async () => {
    const engine = new FakeEngine([{ text: TEXT, endings: [Math.log(0.1), Math.log(0.3)] }]);
    const parts = await verbsOf(engine).ask(second, 'How often?', { choices: ['twice', ' once '] });
    expect(engine.requests[0].messages[1]).toMatchObject({ text: 'How often? (A) twice (B) once' });
    expect(parts.warnings).toEqual([]);
    const { probabilities, ...choice } = parts.choice!;
    expect(choice).toEqual({ index: 0, text: 'twice', named: true });
    expect(probabilities![0]).toBeCloseTo(0.25);
    expect(probabilities![1]).toBeCloseTo(0.75);
  });

  it('takes the likeliest choice where the answer names none, and says so', async () => {
    const engine = new FakeEngine([{ text: TEXT, endings: [-5, -1, -9] }]);
    const parts = await verbsOf(engine).ask(second, 'How often?', { choices: ['once', 'never', 'always'] });
    expect(parts.choice).toMatchObject({ index: 1, text: 'never', named: false });
    expect(parts.warnings).toEqual([
      'The answer names none of the choices, or several; the likeliest of them is (B) never (98 %).',
    ]);
  });

  it('makes no choice where nobody can tell how likely each is', async () => {
    const parts = await verbsOf(new FakeEngine([{ text: TEXT }])).ask(second, 'How often?', { choices: ['a', 'b'] });
    expect(parts.choice).toBeUndefined();
    expect(parts.warnings).toEqual([expect.stringContaining('names none of the choices')]);
  });

  it('complains of choices that are none', async () => {
    const bagpiper = verbsOf(new FakeEngine([{ text: TEXT }]));
    const asked = (choices: string[]) => bagpiper.ask(second, 'How often?', { choices });
    await expect(asked(['once'])).rejects.toThrow('The question has 1 choices; 2 to 26 texts are accepted.');
    await expect(asked(['once', ' '])).rejects.toThrow('A choice is empty');
    await expect(asked(['once', 'twice', 'Once'])).rejects.toThrow('The choice "Once" is given twice');
    await expect(asked('once' as unknown as string[])).rejects.toThrow(BagpiperError);
  });

  it('streams each part as it comes', async () => {
    const reply = verbsOf(new FakeEngine([{ text: TEXT }])).ask(second, 'How often?');
    const events = await eventsOf(reply);
    const parts = await reply;
    for (const part of ['caption', 'thinking', 'answer'] as const) expect(textOf(events, part)).toBe(parts[part]);
    expect(events.filter(({ type }) => type === 'phase')).toEqual([
      { type: 'phase', phase: 'prefill' },
      { type: 'phase', phase: 'text' },
    ]);
  });

  it('hears the first 30 s of a longer sound and says so', async () => {
    const engine = new FakeEngine([{ text: TEXT }]);
    const { warnings } = await verbsOf(engine).ask(new Float32Array(16000 * 31), 'What?');
    expect(warnings).toEqual(['The sound lasts 0:31; only the first 30 s were heard.']);
    expect(engine.requests[0].messages[0]).toMatchObject({ samples: { length: 480000 } });
  });

  it('warns when there is no separate answer', async () => {
    const { caption, warnings } = await verbsOf(new FakeEngine([{ text: ['Rain.'] }])).ask(second, 'What?');
    expect(caption).toBe('Rain.');
    expect(warnings).toHaveLength(1);
  });

  it('refuses a question without words', async () => {
    const engine = new FakeEngine([{ text: TEXT }]);
    await expect(verbsOf(engine).ask(second, '\u0007\n ')).rejects.toThrow('The question is empty');
    expect(engine.requests).toEqual([]);
  });
});

describe('describe', () => {
  it('describes a short sound at once', async () => {
    const engine = new FakeEngine([{ text: TEXT }]);
    const { caption, warnings } = await verbsOf(engine).describe(second, { temperature: 0, topK: 3 });
    expect({ caption, warnings }).toEqual({ caption: 'A dog barks.', warnings: [] });
    expect(engine.requests[0].text).toEqual({ temperature: 0, topk: 3 });
  });

  it('describes a long sound in overlapping windows and says so', async () => {
    const engine = new FakeEngine([{ text: ['One.'] }, { text: ['Two.'] }, { text: ['Three.'], endedBy: 'max_step' }]);
    const reply = verbsOf(engine).describe(new Float32Array(16000 * 70));
    const events = await eventsOf(reply);
    const { caption, warnings, stats } = await reply;
    expect(caption).toBe('[0:00 to 0:30] One.\n\n[0:25 to 0:55] Two.\n\n[0:50 to 1:10] Three.');
    expect(textOf(events, 'caption')).toBe(caption);
    expect(warnings).toEqual([
      'The text reached its longest length and may be cut off.',
      'The sound lasts 1:10; it was described in 3 windows of up to 30 s that overlap by 5 s.',
    ]);
    expect(stats.promptRows).toBe(30);
  });

  it('takes samples at another rate', async () => {
    const engine = new FakeEngine([{ text: TEXT }]);
    await verbsOf(engine).describe({ samples: new Float32Array(8000), sampleRate: 8000 });
    expect(engine.requests[0].messages[0]).toMatchObject({ samples: { length: 16000 } });
  });

  it('takes samples that are no numbers as silence', async () => {
    const engine = new FakeEngine([{ text: TEXT }]);
    const samples = Float32Array.of(0.5, Number.NaN, Number.POSITIVE_INFINITY, -0.5);
    const { warnings } = await verbsOf(engine).describe(samples);
    const [message] = engine.requests[0].messages;
    expect(message.modality === 'audio' && [...message.samples]).toEqual([0.5, 0, 0, -0.5]);
    expect(warnings).toHaveLength(1);
  });

  it.each([
    [new Float32Array(0), 'no samples'],
    [{ samples: second, sampleRate: Number.NaN }, 'sample rate is NaN'],
    [{ samples: second, sampleRate: 0 }, 'sample rate is 0'],
    ['/nowhere/to/be/found.wav', 'no such file'],
    [new Uint8Array(0), 'empty'],
  ])('refuses a sound that is none (%#)', async (audio, message) => {
    const reply = verbsOf(new FakeEngine([{ text: TEXT }])).describe(audio);
    await expect(reply).rejects.toThrow(BagpiperError);
    await expect(reply).rejects.toThrow(message);
  });
});

describe('render', () => {
  it('thinks, captions and makes the sound of a request', async () => {
    const engine = new FakeEngine([{ text: ['<think>\nA dog.\n</think>\n\nA dog barks.'] }]);
    const reply = verbsOf(engine).render('Bark!', { guidance: 2, temperature: 1 });
    const events = await eventsOf(reply);
    const parts = await reply;
    expect(parts).toMatchObject({ thinking: 'A dog.', caption: 'A dog barks.', answer: '' });
    expect(parts.audio).toMatchObject({ sampleRate: 16000, samples: { length: 640 } });
    expect(events.some(({ type }) => type === 'audio')).toBe(true);
    const [{ messages, segments, audio, text }] = engine.requests;
    expect(messages).toEqual([
      { role: 'system', modality: 'text', text: SYSTEM_PROMPT },
      { role: 'user', modality: 'text', text: 'Bark!' },
    ]);
    expect({ segments, audio, text }).toEqual({
      segments: ['text', 'audio'],
      audio: { temperature: 1, cfg: 2 },
      text: undefined,
    });
  });

  it('lets the sound last as long as is asked: a row a frame, and the delay of the last streams', async () => {
    const engine = new FakeEngine([{ endedBy: 'max_step' }]);
    const ask = (seconds: number) => verbsOf(engine).render('A dog barks.', { direct: true, topK: 3, seconds });
    expect((await ask(0.04)).warnings).toEqual([]);
    expect(engine.requests[0].audio).toEqual({ topk: 3, min_step: 8, max_step: 8 });
    // The fake engine makes one frame whatever it is asked, as a model without room for more does.
    expect((await ask(2)).warnings).toEqual(['The model has no room for 2 s of sound; it lasts 0.0 s.']);
    expect(engine.requests[1].audio).toEqual({ topk: 3, min_step: 57, max_step: 57 });
  });

  it.each([{ source: 'http://localhost:9811/v1' }, { codec: null }])('takes no length where %o', async (info) => {
    const engine = new FakeEngine([{}]);
    const reply = verbsOf(Object.assign(engine, { info: { ...engine.info, ...info } })).render('Bark!', { seconds: 2 });
    await expect(reply).rejects.toThrow(/alone decides how long its sounds last; leave the length out/);
    expect(engine.requests).toEqual([]);
  });

  it('renders a caption directly', async () => {
    const engine = new FakeEngine([{}]);
    const { caption, thinking } = await verbsOf(engine).render('A dog barks.\u0000', { direct: true });
    expect({ caption, thinking }).toEqual({ caption: 'A dog barks.', thinking: '' });
    expect(engine.requests[0]).toMatchObject({ messages: [{ text: 'A dog barks.' }], segments: ['audio'] });
  });

  const said = (caption: string) => ({ text: [`<think>\nHm.\n</think>\n\n${caption}`] });
  const heard = (caption: string) => ({ text: [caption] });

  it('keeps the take in which the model hears its caption', async () => {
    // Side by side: all three are made, then all three are heard.
    const engine = new FakeEngine([
      said('A dog barks.'),
      said('A dog barks.'),
      said('A dog barks.'),
      heard('A cat meows.'),
      heard('A dog barks.'),
      heard('A dog barks. Music plays.'),
    ]);
    const reply = verbsOf(engine).render('Bark!', { takes: 3, seed: 4, temperature: 1, system: '' });
    const events = await eventsOf(reply);
    const parts = await reply;
    expect(parts).toMatchObject({ seed: 5, thinking: 'Hm.', caption: 'A dog barks.', audio: { sampleRate: 16000 } });
    expect(parts.takes?.map(({ seed, heard }) => [seed, heard])).toEqual([
      [4, 'A cat meows.'],
      [5, 'A dog barks.'],
      [6, 'A dog barks. Music plays.'],
    ]);
    const [first, second, third] = parts.takes!.map((take) => take.likeness);
    expect([second, first < third, third < second]).toEqual([1, true, true]);
    // Every sound is heard as it was made, greedily and with nothing said of the request.
    expect(engine.requests.map(({ seed, segments }) => [seed, segments.join()])).toEqual([
      [4, 'text,audio'],
      [5, 'text,audio'],
      [6, 'text,audio'],
      [4, 'text'],
      [4, 'text'],
      [4, 'text'],
    ]);
    expect(engine.requests[3]).toMatchObject({ text: { temperature: 0 }, messages: [{ modality: 'audio' }] });
    expect(engine.requests[3].messages[0]).toMatchObject({ samples: { length: 640 } });
    // What all six runs took.
    expect(parts.stats).toMatchObject({ promptRows: 60, audioFrames: 6, seconds: { text: 6 } });
    const takes = events.filter(({ type }) => type === 'take');
    expect(takes).toEqual([1, 2, 3].map((take) => ({ type: 'take', take, of: 3 })));
    // Text and sound only of the kept one.
    for (const part of ['caption', 'thinking'] as const) expect(textOf(events, part)).toBe(parts[part]);
    const sounds = events.flatMap((event) => (event.type === 'audio' ? [event.samples] : []));
    expect(sounds).toEqual([parts.audio?.samples]);
  });

  it('keeps the earlier of equal takes, and hears one take not at all', async () => {
    const engine = new FakeEngine([said('Rain.'), said('Rain.'), heard('Rain.'), heard('Rain.')]);
    expect((await verbsOf(engine).render('Rain!', { takes: 2, seed: 7 })).seed).toBe(7);
    const alone = new FakeEngine([said('Rain.')]);
    const parts = await verbsOf(alone).render('Rain!', { takes: 1, seed: 7 });
    expect([parts.seed, parts.takes, alone.requests.length]).toEqual([7, undefined, 1]);
  });

  it.each([
    [{}, 2],
    [{ takes: 1 }, undefined],
    [{ temperature: 0 }, undefined],
    [{ temperature: 0, takes: 3 }, 3],
  ])('makes as many takes as the model is used to, with %o', async (options, takes) => {
    const engine = new FakeEngine([said('Rain.')]);
    Object.assign(engine, { info: { ...engine.info, takes: 2 } });
    expect((await verbsOf(engine).render('Rain!', options)).takes?.length).toBe(takes);
  });

  it('ends all takes when the signal fires', async () => {
    const control = new AbortController();
    const engine = new FakeEngine([said('Rain.'), { text: ['Rain.'], hangs: true }]);
    const reply = verbsOf(engine).render('Rain!', { takes: 9, signal: control.signal });
    setTimeout(() => control.abort(new Error('enough')), 20);
    await expect(reply).rejects.toThrow('enough');
    // Four are at work at once, no more, and none goes on.
    expect(engine.left).toBe(4);
    expect(engine.requests.length).toBeLessThan(18);
  });

  it('ends all takes when one fails, with its error', async () => {
    const engine = new FakeEngine([{ text: ['Rain.'], hangs: true }]);
    const generate = engine.generate.bind(engine);
    let requests = 0;
    engine.generate = (request) => {
      if (++requests === 3) throw new BagpiperError('There is no memory left.');
      return generate(request);
    };
    await expect(verbsOf(engine).render('Rain!', { takes: 6 })).rejects.toThrow('There is no memory left.');
    expect(requests).toBeLessThanOrEqual(4);
    expect(engine.left).toBe(engine.requests.length);
  });

  it('tells of the earliest take that is not finished, whichever is ahead', async () => {
    const engine = new FakeEngine([said('Rain.'), said('Rain.'), heard('Rain.'), heard('Rain.')]);
    const events = await eventsOf(verbsOf(engine).render('Rain!', { takes: 2 }));
    const told = events.filter(({ type }) => ['take', 'phase'].includes(type));
    const second = told.findIndex((event) => event.type === 'take' && event.take === 2);
    expect(told[0]).toEqual({ type: 'take', take: 1, of: 2 });
    expect(told.slice(1, second).map((event) => event.type === 'phase' && event.phase)).toEqual([
      ...['prefill', 'text', 'audio'],
      ...['prefill', 'text'],
    ]);
    // The second was as far: only where it stands is told.
    expect(told.slice(second + 1)).toEqual([{ type: 'phase', phase: 'text' }]);
  });

  it.each([
    [{ seed: -1 }, 'seed'],
    [{ seed: 1.5 }, 'seed'],
    [{ temperature: -1 }, 'temperature'],
    [{ topK: 0 }, 'Top-k'],
    [{ guidance: 0 }, 'guidance'],
    [{ guidance: Number.NaN }, 'guidance'],
    [{ seconds: 0 }, 'above 0, up to 600 s are accepted'],
    [{ seconds: Number.NaN }, 'length'],
    [{ seconds: 601 }, 'length'],
    [{ takes: 0 }, 'number of takes'],
    [{ takes: 1.5 }, 'number of takes'],
    [{ takes: 101 }, '1 to 100'],
  ])('refuses %o', async (options, message) => {
    const reply = verbsOf(new FakeEngine([{}])).render('Bark!', options);
    await expect(reply).rejects.toThrow(BagpiperError);
    await expect(reply).rejects.toThrow(message);
  });
});

describe('a reply', () => {
  it('starts at once and keeps its events for a loop that starts later', async () => {
    const reply = verbsOf(new FakeEngine([{ text: TEXT }])).describe(second);
    await reply;
    expect(textOf(await eventsOf(reply), 'caption')).toBe('A dog barks.');
    expect(textOf(await eventsOf(reply), 'caption')).toBe('A dog barks.');
  });

  it('rejects with the reason when its signal fires', async () => {
    const engine = new FakeEngine([{ text: TEXT, hangs: true }]);
    const stop = new AbortController();
    const reply = verbsOf(engine).describe(second, { signal: stop.signal });
    const reason = new Error('enough');
    const loop = (async () => {
      for await (const event of reply) if (event.type === 'text') stop.abort(reason);
    })();
    await expect(loop).rejects.toBe(reason);
    await expect(reply).rejects.toBe(reason);
    expect(engine.left).toBe(1);
  });

  it('asks nothing when the signal had fired before', async () => {
    const engine = new FakeEngine([{ text: TEXT }]);
    const reply = verbsOf(engine).describe(second, { signal: AbortSignal.abort() });
    await expect(reply).rejects.toThrow(/abort/i);
    expect(engine.requests).toEqual([]);
  });

  it('ends the work when the loop is left early', async () => {
    const engine = new FakeEngine([{ text: TEXT, hangs: true }]);
    const reply = verbsOf(engine).describe(second);
    for await (const event of reply) if (event.type === 'text') break;
    await expect(reply).rejects.toThrow(/abort/i);
    expect(engine.left).toBe(1);
  });

  it('works beside others', async () => {
    const bagpiper = verbsOf(new FakeEngine([{ text: ['One.'] }, { text: ['Two.'] }]));
    const [a, b] = await Promise.all([bagpiper.describe(second), bagpiper.describe(second)]);
    expect([a.caption, b.caption]).toEqual(['One.', 'Two.']);
    await bagpiper.close();
  });
});
