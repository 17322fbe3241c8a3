/** The verbs at a stub of the server: what is sent, what comes back. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAudio } from '../../../src/audio/index.js';
import { type Bagpiper, type LoadOptions, loadBagpiper, type VerbEvent } from '../../../src/index.js';
import {
  completion,
  json,
  type Part,
  PIECES,
  PLANNED,
  SOUND,
  StubServer,
  stream,
  trickle,
  UNDERSTOOD,
  wavOf,
} from './stub-server.js';

let server: StubServer;
const open: Bagpiper[] = [];

beforeEach(async () => {
  server = await StubServer.start();
});
afterEach(async () => {
  for (const bagpiper of open.splice(0)) await bagpiper.close();
  await server.stop();
});

async function load(options: LoadOptions = {}): Promise<Bagpiper> {
  const bagpiper = await loadBagpiper(server.address, { retry: { wait: 0.001 }, ...options });
  open.push(bagpiper);
  return bagpiper;
}

const second = Float32Array.from({ length: 16000 }, (_, i) => ((i % 200) - 100) / 128);
const heardAt = (i: number): Part[] =>
  server.asked[i].body.messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));

async function eventsOf(reply: AsyncIterable<VerbEvent>): Promise<VerbEvent[]> {
  const events: VerbEvent[] = [];
  for await (const event of reply) events.push(event);
  return events;
}

describe('a server', () => {
  it('is asked for its model, and says what it is', async () => {
    const { info } = await load();
    expect(info).toMatchObject({ source: server.address, name: 'bagpiper', hash: '', maxInputSeconds: 30 });
  });

  it.each(['', '/', '/v1/', '/v1/chat/completions'])('is found at an address that ends in "%s"', async (end) => {
    const bagpiper = await loadBagpiper(server.address.replace('/v1', end));
    expect(bagpiper.info.source).toBe(server.address);
    await bagpiper.close();
  });

  it('gets the key, and nobody else sees it', async () => {
    const bagpiper = await load({ apiKey: ' secret-1 ' });
    await bagpiper.ask(second, 'How often?');
    expect(server.asked[0].headers.authorization).toBe('Bearer secret-1');
    expect(JSON.stringify(bagpiper.info)).not.toContain('secret-1');
  });

  it('offers its models under names of its own', async () => {
    server.models = [{ id: 'whisper' }, { id: 'mine', root: '/models/bagpiper-sft' }];
    expect((await load()).info).toMatchObject({ name: 'mine', codec: { hop: 320, codebooks: 8 } });
    server.models = [{ id: 'one' }, { id: 'two' }];
    await expect(load()).rejects.toThrow(/several models \(one, two\); name one/);
    expect((await load({ serverModel: 'two' })).info.name).toBe('two');
    await expect(load({ serverModel: 'three' })).rejects.toThrow(/no model "three"; it has one, two/);
  });
});

describe('ask', () => {
  it('sends the sound and the question as two messages, sampled as the model was', async () => {
    const bagpiper = await load();
    const parts = await bagpiper.ask(second, ' How often? ', { seed: 5 });
    expect(parts).toMatchObject({ ...UNDERSTOOD, audio: null, seed: 5, warnings: [] });
    expect(parts.stats).toMatchObject({ promptRows: 12, textTokens: 20, audioFrames: 0 });
    const { messages, ...rest } = server.asked[0].body;
    expect(rest).toEqual({
      model: 'bagpiper',
      max_tokens: 4096,
      seed: 5,
      temperature: 0.6,
      stop_token_ids: [3],
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(messages.map(({ role }) => role)).toEqual(['user', 'user']);
    expect(messages[1].content).toBe('How often?');
    const [part] = heardAt(0);
    expect(part).toMatchObject({ type: 'input_audio', input_audio: { format: 'wav' } });
    const wav = part.type === 'input_audio' ? Buffer.from(part.input_audio.data, 'base64') : Buffer.alloc(0);
    const { channels, sampleRate } = await readAudio(wav);
    expect({ sampleRate, sound: channels[0] }).toEqual({ sampleRate: 16000, sound: second });
  });

  it('streams each part as it comes, however the bytes are cut', async () => {
    const bagpiper = await load();
    for (const size of [1, 7, 1000]) {
      server.mischief.push(trickle(PIECES, size));
      const reply = bagpiper.ask(second, 'How often?');
      const events = await eventsOf(reply);
      expect(await reply).toMatchObject(UNDERSTOOD);
      const texts = events.flatMap((event) => (event.type === 'text' ? [event] : []));
      expect(texts.length).toBeGreaterThan(3);
      for (const part of ['caption', 'thinking', 'answer'] as const) {
        expect(texts.map((event) => (event.part === part ? event.delta : '')).join('')).toBe(UNDERSTOOD[part]);
      }
      expect(events.filter(({ type }) => type === 'phase').map((event) => 'phase' in event && event.phase)).toEqual([
        'queued',
        'text',
      ]);
    }
  });

  it('passes on temperature, top-k and a system text', async () => {
    await (await load()).ask(second, 'How often?', { temperature: 0, topK: 3, system: 'Be brief.' });
    expect(server.asked[0].body).toMatchObject({ temperature: 0, top_k: 3 });
    expect(server.asked[0].body.messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
  });

  it('warns when the answer was cut short, or is none', async () => {
    const bagpiper = await load();
    server.mischief.push(stream(PIECES, 'length'), stream([]));
    expect((await bagpiper.ask(second, 'How often?')).warnings).toEqual([expect.stringContaining('longest length')]);
    expect((await bagpiper.ask(second, 'How often?')).warnings[0]).toBe('The server answered with no text.');
  });

  it('takes an answer in one piece from a server that does not stream', async () => {
    const bagpiper = await load();
    server.mischief.push(json(completion(PIECES.join(''))));
    expect(await bagpiper.ask(second, 'How often?')).toMatchObject({ ...UNDERSTOOD, stats: { textTokens: 20 } });
  });
});

describe('describe', () => {
  it('describes long sounds in overlapping windows, a request each', async () => {
    const { caption, warnings } = await (await load()).describe(new Float32Array(16000 * 70));
    expect(caption).toBe(
      '[0:00 to 0:30] A bell rings.\n\n[0:25 to 0:55] A bell rings.\n\n[0:50 to 1:10] A bell rings.',
    );
    expect(warnings).toEqual([expect.stringContaining('3 windows of up to 30 s')]);
    expect(server.asked).toHaveLength(3);
    for (const { body } of server.asked) expect(body.messages.map(({ role }) => role)).toEqual(['user', 'user']);
  });

  it('passes on what the server has against the sound', async () => {
    await expect((await load()).describe(new Float32Array(100))).rejects.toThrow(
      /\(400, saying "The audio is too short."\)/,
    );
  });
});

describe('render', () => {
  it('asks for text, then sound, with the system text of the training', async () => {
    const reply = (await load()).render('A bell.', { seed: 7 });
    const events = await eventsOf(reply);
    const parts = await reply;
    expect(parts).toMatchObject({ thinking: '1. A bell.', caption: 'A bell rings once.', seed: 7, warnings: [] });
    expect(parts.stats).toMatchObject({ promptRows: 12, textTokens: 20, audioFrames: 4 });
    expect(parts.audio).toEqual({ sampleRate: 16000, samples: Float32Array.from(SOUND, (x) => x / 32768) });
    const told = events.flatMap((event) =>
      event.type === 'phase' ? [event.phase] : event.type === 'audio' ? ['sound'] : [],
    );
    expect(told).toEqual(['queued', 'text', 'audio', 'sound']);
    const { messages, ...rest } = server.asked[0].body;
    const system = String(messages[0].content);
    expect(createHash('md5').update(system).digest('hex')).toBe('903599715f6bea955adc1cfbf83aa9e2');
    expect(messages).toEqual([
      { role: 'system', content: system },
      { role: 'user', content: 'A bell.' },
    ]);
    expect(rest).toEqual({
      model: 'bagpiper',
      max_tokens: 12000,
      seed: 7,
      temperature: 0.8,
      top_k: 20,
      vllm_xargs: {
        mode: 'text_audio',
        phase: 'text',
        text_temperature: 0.6,
        audio_temperature: 0.8,
        audio_topk: 20,
        cfg: 3,
      },
    });
  });

  it('keeps the two temperatures and the two top-k equal, and leaves out guidance of 1', async () => {
    await (await load()).render('A bell.', { temperature: 1.1, topK: 7, guidance: 1 });
    const { temperature, top_k, vllm_xargs } = server.asked[0].body;
    expect({ temperature, top_k }).toEqual({ temperature: 1.1, top_k: 7 });
    expect(vllm_xargs).toEqual({
      mode: 'text_audio',
      phase: 'text',
      text_temperature: 0.6,
      audio_temperature: 1.1,
      audio_topk: 7,
    });
  });

  it('asks for the likeliest by top-k 1, since the ratio of temperatures needs one above 0', async () => {
    await (await load()).render('A bell.', { temperature: 0 });
    expect(server.asked[0].body).toMatchObject({ temperature: 0.8, top_k: 1, vllm_xargs: { audio_topk: 1 } });
  });

  it('tries another seed when only text comes, and says when none brings sound', async () => {
    const bagpiper = await load();
    server.mischief.push(json(completion(PLANNED, null)));
    const second = await bagpiper.render('A bell.', { seed: 1 });
    expect(second.audio?.samples).toHaveLength(SOUND.length);
    expect(second.warnings).toEqual([expect.stringContaining('the sound came at try 2')]);
    const [first, again] = server.asked.map(({ body }) => body.seed);
    expect(first).toBe(1);
    expect(again).not.toBe(1);

    const silent = await bagpiper.render('A bell.', { system: '' });
    expect(silent).toMatchObject({ audio: null, caption: 'A bell rings once.' });
    expect(silent.warnings).toEqual([expect.stringContaining('text but no sound (2 tries)')]);
    expect(server.asked.at(-1)?.body.messages).toEqual([{ role: 'user', content: 'A bell.' }]);
  });

  it('says when the budget cut the sound', async () => {
    const bagpiper = await load();
    server.mischief.push(json(completion(PLANNED, wavOf(SOUND), 'length')));
    expect((await bagpiper.render('A bell.')).warnings).toEqual([expect.stringContaining('sound reached its longest')]);
  });

  it('takes a caption as a request, and says so', async () => {
    const { caption, warnings } = await (await load()).render('A bell rings.', { direct: true });
    expect(caption).toBe('A bell rings once.');
    expect(warnings).toEqual([expect.stringContaining('took it as a request')]);
    expect(server.asked[0].body.messages).toHaveLength(2);
  });

  it('asks for no more than the model can hold', async () => {
    await (await load()).render('bell '.repeat(1200));
    const { max_tokens } = server.asked[0].body;
    expect(max_tokens).toBeLessThan(16384 - 6000);
    expect(max_tokens).toBeGreaterThan(9000);
  });
});

describe('a server of another kind', () => {
  beforeEach(() => {
    server.models = [{ id: 'omni', object: 'model', owned_by: 'someone' }];
  });

  it('is told the form of an answer, in one turn, without fields of vLLM', async () => {
    expect(await (await load()).ask(second, 'How often?')).toMatchObject(UNDERSTOOD);
    const { messages, ...rest } = server.asked[0].body;
    expect(Object.keys(rest).sort()).toEqual([
      'max_tokens',
      'model',
      'seed',
      'stream',
      'stream_options',
      'temperature',
    ]);
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(messages[0].content).toContain('<think>');
    expect(heardAt(0).map(({ type }) => type)).toEqual(['input_audio', 'text']);
  });

  it('is asked for sound as OpenAI has it, and may put its text into the transcript', async () => {
    const bagpiper = await load();
    const said = completion(null, wavOf(SOUND)) as { choices: { message: { audio: { transcript: string } } }[] };
    said.choices[0].message.audio.transcript = 'A bell.';
    server.mischief.push(json(said));
    const { caption, audio } = await bagpiper.render('A bell.');
    expect({ caption, length: audio?.samples.length }).toEqual({ caption: 'A bell.', length: SOUND.length });
    expect(server.asked[0].body).toMatchObject({ modalities: ['text', 'audio'], audio: { format: 'wav' } });
    expect(server.asked[0].body.vllm_xargs).toBeUndefined();
  });

  it('is spoken to as a Bagpiper when that is said', async () => {
    await (await load({ serverKind: 'bagpiper' })).render('A bell.');
    expect(server.asked[0].body.vllm_xargs).toMatchObject({ mode: 'text_audio' });
  });
});
