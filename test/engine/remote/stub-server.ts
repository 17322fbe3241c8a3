/**
 * A stub of the ESPnet vLLM fork's server: real sockets, no model. It speaks the protocol as it is documented (docs/remote.md),
 * refuses what the fork refuses, gives no sound where the fork gives none, and misbehaves on request.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A chat completion as it was asked for. */
export interface Asked {
  headers: Record<string, string | string[] | undefined>;
  body: ChatBody;
}

export interface ChatBody {
  model: string;
  messages: { role: string; content: string | Part[] }[];
  max_tokens: number;
  temperature: number;
  top_k?: number;
  seed?: number;
  stream?: boolean;
  stop_token_ids?: number[];
  vllm_xargs?: Record<string, unknown>;
  modalities?: string[];
}

export type Part =
  | { type: 'text'; text: string }
  | { type: 'input_audio'; input_audio: { data: string; format: string } };

/** What to do with one chat completion instead of answering it. */
export type Mischief = (answer: ServerResponse, asked: Asked) => void;

/** The text of every answer, in the pieces in which it is streamed; tags are cut. */
export const PIECES = ['A bell', ' rings.\n\n<thi', 'nk>\nOne bell', '.\n</think>\n\nÖ', 'nce.'];
export const UNDERSTOOD = { caption: 'A bell rings.', thinking: 'One bell.', answer: 'Önce.' };
export const PLANNED = '<think>\n1. A bell.\n</think>\n\nA bell rings once.';
/** 16-bit samples of every sound: 4 frames. */
export const SOUND = Int16Array.from({ length: 4 * 320 }, (_, i) => ((i * 257) % 65536) - 32768);

export class StubServer {
  /** ends in /v1 */
  readonly address: string;
  readonly asked: Asked[] = [];
  /** chat completions that the client left before they were answered */
  left = 0;
  /** done to the next completions, in this order; then come right answers */
  readonly mischief: Mischief[] = [];
  models: object[] | Mischief = [
    { id: 'bagpiper', object: 'model', owned_by: 'vllm', root: '/models/bagpiper-tts-sft', max_model_len: 16384 },
  ];
  /** answers to `GET /models` */
  listed = 0;

  private constructor(
    private readonly server: Server,
    private readonly sockets: Set<Socket>,
  ) {
    this.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  }

  static async start(port = 0): Promise<StubServer> {
    const sockets = new Set<Socket>();
    const server = createServer((request, response) => void stub.receive(request, response));
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const stub: StubServer = new StubServer(server, sockets);
    return stub;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = `${request.method} ${request.url}`;
    if (path === 'GET /version') return sendJson(response, 200, { version: '0.28.0' });
    const asked: Asked = { headers: request.headers, body: {} as ChatBody };
    if (path === 'GET /v1/models') {
      this.listed++;
      if (typeof this.models === 'function') return this.models(response, asked);
      return sendJson(response, 200, { object: 'list', data: this.models });
    }
    if (path !== 'POST /v1/chat/completions') return sendJson(response, 404, { detail: 'Not Found' });
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    asked.body = JSON.parse(text) as ChatBody;
    this.asked.push(asked);
    response.on('close', () => {
      if (!response.writableFinished) this.left++;
    });
    const mischief = this.mischief.shift() ?? rightAnswer;
    mischief(response, asked);
  }
}

/** What the fork does. */
export const rightAnswer: Mischief = (response, { body }) => {
  const wrong = objection(body);
  if (wrong) return refuse(400, wrong)(response, { headers: {}, body });
  const sound = body.vllm_xargs?.mode === 'text_audio' || body.modalities?.includes('audio') === true;
  if (body.stream) return stream(PIECES)(response, { headers: {}, body });
  if (!sound) return sendJson(response, 200, completion(PIECES.join('')));
  // Without a system turn the model writes text and no sound.
  const heard = body.messages.some(({ role }) => role === 'system');
  sendJson(response, 200, completion(PLANNED, heard ? wavOf(SOUND) : null));
};

/** The rules of the protocol that a request can break. */
function objection({
  messages,
  vllm_xargs: x,
  temperature,
  top_k,
  stop_token_ids,
  stream: streamed,
}: ChatBody): string {
  const parts = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  const sounds = parts.filter(({ type }) => type === 'input_audio');
  if (sounds.length > 1) return 'At most 1 audio(s) may be provided in one prompt.';
  for (const part of sounds) {
    if (part.type !== 'input_audio') continue;
    const { data, format } = part.input_audio;
    const bytes = Buffer.from(data, 'base64');
    if (format !== 'wav' || bytes.toString('latin1', 0, 4) !== 'RIFF') return 'The audio cannot be decoded.';
    if (bytes.length < 44 + 2 * 400) return 'The audio is too short.';
  }
  if (x?.mode !== 'text_audio') return '';
  if (x.audio_temperature !== temperature) return 'temperature must equal audio_temperature';
  if (x.audio_topk !== top_k) return 'top_k must equal audio_topk';
  if (stop_token_ids) return 'stop ids end the text before the sound';
  if (x.phase !== 'text' || 'cfg_group_id' in x || 'is_shadow' in x) return 'bad vllm_xargs';
  return streamed ? 'audio is never streamed' : '';
}

/** @param wav bytes of the sound; null: none came about; undefined: none was asked for */
export function completion(content: string | null, wav?: Uint8Array | string | null, finish = 'stop'): object {
  const data = typeof wav === 'string' ? wav : wav && Buffer.from(wav).toString('base64');
  const audio = data ? { id: 'audio-1', data, expires_at: 1760000000, transcript: content } : null;
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        finish_reason: finish,
        message: { role: 'assistant', content, ...(wav === undefined ? {} : { audio }) },
      },
    ],
    usage: { prompt_tokens: 12, completion_tokens: wav ? 31 : 20, total_tokens: 43 },
  };
}

/** A WAV file as the fork writes it: 44 bytes, PCM16, mono, 16 kHz. */
export function wavOf(samples: Int16Array): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + 2 * samples.length, 4);
  header.write('WAVEfmt ', 8);
  for (const [at, size, value] of [
    [16, 4, 16],
    [20, 2, 1],
    [22, 2, 1],
    [24, 4, 16000],
    [28, 4, 32000],
    [32, 2, 2],
    [34, 2, 16],
  ]) {
    header.writeUIntLE(value, at, size);
  }
  header.write('data', 36);
  header.writeUInt32LE(2 * samples.length, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]);
}

function sendJson(response: ServerResponse, status: number, json: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json));
}

/** An answer in one piece. */
export const json =
  (body: object): Mischief =>
  (response) =>
    sendJson(response, 200, body);

/** A body of any kind. */
export const raw =
  (body: string, type = 'application/json', status = 200): Mischief =>
  (response) => {
    response.writeHead(status, { 'content-type': type }).end(body);
  };

/** vLLM's error. */
export const refuse =
  (status: number, message: string, headers: Record<string, string> = {}): Mischief =>
  (response) =>
    sendJson(response, status, { error: { message, type: 'BadRequestError', param: null, code: status } }, headers);

/** Takes the request and says nothing. */
export const hang: Mischief = () => {};

/** Closes the connection without a word. */
export const slam: Mischief = (response) => {
  response.socket?.destroy();
};

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (delta: object, finish: string | null = null): string =>
  event({ object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] });

/** The events of a streamed answer. */
export function events(pieces: readonly string[], finish = 'stop'): string[] {
  return [
    chunk({ role: 'assistant', content: '' }),
    ...pieces.map((content) => chunk({ content })),
    chunk({}, finish),
    event({ object: 'chat.completion.chunk', choices: [], usage: { prompt_tokens: 12, completion_tokens: 20 } }),
    'data: [DONE]\n\n',
  ];
}

/** Streams events, byte by byte across packets where `bytes` is given. */
export const stream =
  (pieces: readonly string[], finish = 'stop'): Mischief =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.end(events(pieces, finish).join(''));
  };

/** Streams a little at a time. @param size bytes a piece: letters and events are cut anywhere */
export const trickle =
  (pieces: readonly string[], size: number): Mischief =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = Buffer.from(events(pieces).join(''));
    let at = 0;
    const next = (): void => {
      if (at >= bytes.length) return void response.end();
      response.write(bytes.subarray(at, at + size));
      at += size;
      setImmediate(next);
    };
    next();
  };

/** Streams some events, then `end`s, cuts the connection, or says nothing more. */
export const stopAfter =
  (count: number, how: 'end' | 'cut' | 'hang', last = ''): Mischief =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(events(PIECES).slice(0, count).join('') + last, () => {
      if (how === 'end') response.end();
      else if (how === 'cut') setImmediate(() => response.socket?.destroy());
    });
  };
