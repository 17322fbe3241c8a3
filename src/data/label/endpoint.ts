/** Rich captions from models that listen, behind OpenAI-compatible endpoints. */
import { createHash } from 'node:crypto';
import { BagpiperError } from '../../errors.js';
import type { ChatClient, ChatPart, ChatReply, ChatRequest, ChatSettings } from '../llm/index.js';
import { PromptBook } from '../simulate/index.js';
import { type HeldClip, Listener } from '../source/index.js';
import {
  type Clip,
  type JsonObject,
  type Label,
  RecordError,
  SetAside,
  type Stage,
  type StageContext,
} from '../types.js';

export interface EndpointLabels {
  by: 'endpoint';
  /** who is asked, how much at once, and what it costs */
  chat: ChatSettings;
  /** the text of the prompt's file; null sends the sound alone, as captioners want it */
  prompt: string | null;
  /** default: the server's */
  temperature?: number;
  /** default 1024, the longest caption that is kept upstream */
  maxTokens?: number;
  seed?: number;
}

/** A caption that was cut off is asked for again this often, each time with another seed. */
const TRIES = 3;

export class EndpointLabeller implements Stage<Clip, Label> {
  readonly spec;
  readonly hears = true;
  /** what captions depend on */
  readonly identity: JsonObject;
  private readonly book: PromptBook | undefined;

  /** @throws BagpiperError for a prompt that cannot be used */
  constructor(
    private readonly settings: EndpointLabels,
    private readonly client: ChatClient,
    private readonly listener = new Listener(),
  ) {
    const { prompt, temperature, maxTokens = 1024, seed = 0 } = settings;
    if (prompt !== null) {
      this.book = new PromptBook('prompts', { caption: prompt });
      this.book.messages('caption', { seconds: '1' });
    }
    this.spec = { stage: 'label', settings: { ...settings } as unknown as JsonObject };
    this.identity = {
      by: 'endpoint',
      model: client.model,
      prompt: prompt === null ? null : createHash('sha256').update(prompt).digest('hex'),
      maxTokens,
      seed,
      ...(temperature === undefined ? {} : { temperature }),
    };
  }

  async process(clip: Clip, { signal, spend }: StageContext): Promise<Label> {
    const held = await hold(this.listener, clip, signal);
    try {
      const reply = await this.ask(clip, held, spend, signal);
      const caption = reply.text.trim();
      if (caption === '') {
        const reason = { kind: 'empty', message: `${reply.model} says nothing (${reply.finishReason}).` };
        throw reply.finishReason === 'content_filter' ? new SetAside(reason) : new RecordError(reason);
      }
      const { usage, finishReason, model } = reply;
      return { id: clip.id, caption, duration: clip.seconds, usage, finish_reason: finishReason, model };
    } finally {
      await held.free();
    }
  }

  private async ask(clip: Clip, held: HeldClip, spend: StageContext['spend'], signal: AbortSignal): Promise<ChatReply> {
    for (let time = 0; ; time++) {
      const reply = await this.client.chat(this.request(clip, held, time), signal);
      spend(reply.usage);
      // What is still cut off then is kept and says so; the filter counts it.
      if (reply.finishReason !== 'length' || time + 1 === TRIES) return reply;
    }
  }

  private request(clip: Clip, held: HeldClip, time: number): ChatRequest {
    const { temperature, maxTokens = 1024, seed = 0 } = this.settings;
    const data = async (): Promise<string> => Buffer.from(await wavOf(held)).toString('base64');
    const sound: ChatPart = { type: 'input_audio', input_audio: { data, format: 'wav' } };
    const messages = this.book?.messages('caption', { seconds: clip.seconds.toFixed(1) }) ?? [];
    const said = messages
      .filter(({ role }) => role === 'user')
      .map(({ content }): ChatPart => {
        return { type: 'text', text: content as string };
      });
    return {
      messages: [...messages.filter(({ role }) => role === 'system'), { role: 'user', content: [sound, ...said] }],
      maxTokens,
      seed: seed + time,
      ...(temperature === undefined ? {} : { temperature }),
    };
  }

  async close(): Promise<void> {
    await this.listener.close();
    await this.client.close();
  }
}

async function hold(listener: Listener, clip: Clip, signal: AbortSignal): Promise<HeldClip> {
  try {
    return await listener.hold(clip.audio, signal);
  } catch (error) {
    throw unreadable(error, signal);
  }
}

async function wavOf(held: HeldClip): Promise<Uint8Array> {
  try {
    return await held.wav();
  } catch (error) {
    throw unreadable(error);
  }
}

/** What is wrong with one sound does not concern the others. */
export function unreadable(error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (!(error instanceof BagpiperError)) return error;
  return new RecordError({ kind: 'unreadable', message: error.message });
}
