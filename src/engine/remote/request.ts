/** What is sent to a server for a request: the body of `POST /chat/completions`. */
import { encodeWav } from '../../audio/index.js';
import { BagpiperError } from '../../errors.js';
import type { SegmentDefaults } from '../../model/index.js';
import { segmentSettings } from '../settings.js';
import type { EngineMessage, GenerateRequest } from '../types.js';
import type { ServerKind } from './options.js';

const RATE = 16000;
/** `<|eot|>`: a Bagpiper model's text can end with it, where the server by itself knows `<|eos|>` only. */
const END_OF_TURN = 3;
/** Vectors that the audio encoder gives a second. */
const VECTORS = 12.5;
/** Tokens to make that are asked for even where the prompt seems to leave less: the server knows better. */
const LEAST_TOKENS = 1024;

/** Decoding defaults of the published models. `max_step` of sound is the budget of the whole request, thinking included. */
export const TEXT: SegmentDefaults = { temperature: 0.6, topk: 20, cfg: 1, min_step: 0, max_step: 4096 };
export const SOUND: SegmentDefaults = { temperature: 0.8, topk: 20, cfg: 3, min_step: 0, max_step: 12000 };

/** Samples of a frame of the published codec, and its codebooks; the last one comes `CODEBOOKS` - 1 frames late. */
export const HOP = 320;
export const CODEBOOKS = 8;

/** The model that answers. */
export interface Target {
  kind: ServerKind;
  /** its name at the server */
  model: string;
  /** tokens that prompt and answer may have together, where the server tells */
  longest?: number;
}

/** A request that a server can be asked. */
export interface Plan {
  request: GenerateRequest;
  /** sound is asked for; such an answer is never streamed */
  sound: boolean;
  text: SegmentDefaults;
  audio: SegmentDefaults;
}

/** Checks a request. @throws BagpiperError for one that servers do not take */
export function planRequest(request: GenerateRequest): Plan {
  const order = request.segments.join(', ');
  if (order !== 'text' && order !== 'text, audio') {
    throw new BagpiperError(`A server makes text, or text and then sound; "${order}" was asked for.`);
  }
  if (request.messages.filter(({ modality }) => modality === 'audio').length > 1) {
    throw new BagpiperError('A server hears one sound a request; give one.');
  }
  const text = segmentSettings('text', TEXT, request.text);
  const audio = segmentSettings('audio', SOUND, request.audio);
  return { request, sound: order !== 'text', text, audio };
}

/** @param seed replaces the request's */
export function bodyFor(plan: Plan, target: Target, seed: number): Record<string, unknown> {
  const { request, sound, text, audio } = plan;
  const bagpiper = target.kind === 'bagpiper';
  return {
    model: target.model,
    messages: bagpiper ? request.messages.map(single) : merged(request.messages),
    max_tokens: budget(plan, target),
    seed,
    ...(sound ? {} : { stream: true, stream_options: { include_usage: true } }),
    ...(!bagpiper ? other(plan) : sound ? forSound(text, audio) : forText(plan)),
  };
}

/** Of the published client: top-k stands in requests of text alone. */
function forText({ request, text }: Plan): object {
  const hears = request.messages.some(({ modality }) => modality === 'audio');
  const topk = request.text?.topk ?? (hears ? undefined : text.topk);
  return {
    temperature: text.temperature,
    ...(topk === undefined ? {} : { top_k: topk }),
    stop_token_ids: [END_OF_TURN],
  };
}

/**
 * The server samples everything at the top-level temperature, which must be the sound's, and scales the logits of text by
 * their ratio. A ratio with 0 would make every token equally likely, so "the likeliest" is asked for by top-k 1; that holds
 * for the text before the sound too.
 */
function forSound(text: SegmentDefaults, audio: SegmentDefaults): object {
  const temperature = audio.temperature === 0 ? SOUND.temperature : audio.temperature;
  const topk = audio.temperature === 0 ? 1 : audio.topk;
  return {
    temperature,
    top_k: topk,
    vllm_xargs: {
      mode: 'text_audio',
      phase: 'text',
      text_temperature: text.temperature === 0 ? TEXT.temperature : text.temperature,
      audio_temperature: temperature,
      audio_topk: topk,
      ...(audio.cfg > 1 ? { cfg: audio.cfg } : {}),
    },
  };
}

/** What every server knows; top-k only where somebody asks for it. */
function other({ request, sound, text, audio }: Plan): object {
  const { topk } = (sound ? request.audio : request.text) ?? {};
  return {
    temperature: sound ? audio.temperature : text.temperature,
    ...(topk === undefined ? {} : { top_k: topk }),
    ...(sound ? { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } } : {}),
  };
}

/** A prompt has at most as many tokens as bytes; what is left of the model's length can be asked for. */
function budget({ request, sound, text, audio }: Plan, { longest }: Target): number {
  const wanted = sound ? audio.max_step : text.max_step;
  if (longest === undefined) return wanted;
  const sizes = request.messages.map((message) =>
    message.modality === 'text'
      ? Buffer.byteLength(message.text)
      : Math.ceil((message.samples.length / RATE) * VECTORS),
  );
  const left = longest - sizes.reduce((sum, size) => sum + size + 8, 0);
  return Math.min(wanted, Math.max(left, LEAST_TOKENS));
}

type Content = string | object[];

/** Each message for itself, as the model was trained. */
function single(message: EngineMessage): { role: string; content: Content } {
  return { role: message.role, content: message.modality === 'text' ? message.text : parts(message) };
}

/** Neighbours of one role as one message: many models insist on taking turns. */
function merged(messages: readonly EngineMessage[]): { role: string; content: Content }[] {
  const turns: { role: string; content: object[] }[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    if (last?.role === message.role) last.content.push(...parts(message));
    else turns.push({ role: message.role, content: parts(message) });
  }
  return turns.map(({ role, content }) => {
    const [only, ...more] = content as { text?: string }[];
    return { role, content: more.length === 0 && only.text !== undefined ? only.text : content };
  });
}

function parts(message: EngineMessage): object[] {
  if (message.modality === 'text') return [{ type: 'text', text: message.text }];
  const wav = encodeWav(message.samples, RATE);
  const data = Buffer.from(wav.buffer, wav.byteOffset, wav.length).toString('base64');
  return [{ type: 'input_audio', input_audio: { data, format: 'wav' } }];
}
