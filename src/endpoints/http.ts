/**
 * One HTTP exchange with a server, watched by clocks. It goes through the package `undici`, on which Node's own `fetch` stands:
 * that one gives up after 300 s without a header, and a rendered sound, which comes in one piece, can take longer. It is
 * loaded when first used.
 */
import { Readable } from 'node:stream';
import type { Agent, Dispatcher } from 'undici';
import { connectionFailure, Failure, fault, statusFailure } from './failure.js';
import type { Header } from './limits.js';
import type { SilenceOptions } from './options.js';
import { timer as realTimer, type Surroundings } from './surroundings.js';

/** Bytes that an answer may have: an hour of sound as base64. */
const MOST_BYTES = 256 * 2 ** 20;
/** Characters of an error's body that are read. */
const ERROR_CHARACTERS = 1 << 16;
/** Characters of a request's body that become bytes at once. */
const PIECE = 1 << 16;

export interface HttpSettings {
  /** sent to every server as a bearer token */
  apiKey: string | undefined;
  timeouts: SilenceOptions;
}

export interface Call {
  /** how the server is called in messages */
  where: string;
  /**
   * Sent as JSON by POST; without it the call is a GET. A list of texts is sent one after another as they are, and emptied
   * thereby: so a request that waits for its answer holds none of them.
   */
  body?: object | string[];
  /** called when a list of texts has been handed over to the connection */
  sent?: () => void;
  /** seconds until the first byte of the answer's body */
  firstByte: number;
  signal: AbortSignal;
}

/** An answer whose status was 200. */
export interface HttpAnswer {
  /** the header `content-type` */
  type: string;
  header: Header;
  /** text as it comes; @throws Failure when it breaks off or stays away too long */
  text: AsyncIterable<string>;
  /** the server's words with our key struck out, should it repeat it */
  discreet: (words: string) => string;
}

type Response = Dispatcher.ResponseData;

/** Connections to servers. */
export class Http {
  private agent: Agent | undefined;

  /** @param timer by which the clocks run */
  constructor(
    private readonly settings: HttpSettings,
    private readonly timer: Surroundings['timer'] = realTimer,
  ) {}

  /** @throws Failure, or the signal's reason */
  async send(url: URL, call: Call): Promise<HttpAnswer> {
    const { where, signal } = call;
    signal.throwIfAborted();
    const clock = new Clock(signal, this.timer);
    try {
      const late = `no answer came within ${call.firstByte} s; try later, or allow more with --timeout.`;
      clock.set(call.firstByte, () => fault(where, late, 'elsewhere', { kind: 'timeout' }));
      const response = await this.exchange(url, call, clock.signal);
      const header = headerOf(response);
      if (response.statusCode !== 200) throw await this.refusal(where, response, header);
      return {
        type: header('content-type') ?? '',
        header,
        text: this.text(response, call, clock),
        discreet: (words) => this.discreet(words),
      };
    } catch (error) {
      clock.stop();
      throw error;
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.agent?.destroy();
  }

  private async exchange(url: URL, { where, body, sent }: Call, signal: AbortSignal): Promise<Response> {
    const { Agent, request } = await import('undici');
    const { apiKey } = this.settings;
    const { connect } = this.settings.timeouts;
    // 0: our own clocks watch the rest.
    this.agent ??= new Agent({ connect: { timeout: connect * 1000 }, headersTimeout: 0, bodyTimeout: 0 });
    const headers: Record<string, string> = { accept: 'application/json, text/event-stream', 'user-agent': 'bagpiper' };
    if (apiKey !== undefined) headers.authorization = `Bearer ${apiKey}`;
    if (body) headers['content-type'] = 'application/json';
    const texts = Array.isArray(body) ? (body as string[]) : undefined;
    if (texts) headers['content-length'] = String(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
    try {
      return await request(url, {
        method: body ? 'POST' : 'GET',
        headers,
        ...(texts
          ? { body: Readable.from(bytesOf(texts, sent), { objectMode: false }) }
          : body
            ? { body: JSON.stringify(body) }
            : {}),
        dispatcher: this.agent,
        signal,
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw connectionFailure(where, url.host, error, false);
    }
  }

  private async *text({ body }: Response, { where }: Call, clock: Clock): AsyncGenerator<string, void, void> {
    const { idle } = this.settings.timeouts;
    const silent = `nothing more came for ${idle} s in the middle of the answer; try again.`;
    const decoder = new TextDecoder();
    let bytes = 0;
    try {
      for await (const piece of body as AsyncIterable<Uint8Array>) {
        clock.set(idle, () => fault(where, silent, 'here', { kind: 'timeout' }));
        bytes += piece.length;
        if (bytes > MOST_BYTES) throw fault(where, 'the answer has more than 256 MB; it was not read.', 'elsewhere');
        yield decoder.decode(piece, { stream: true });
      }
      yield decoder.decode();
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (clock.signal.aborted) throw clock.signal.reason;
      throw connectionFailure(where, where, error, true);
    } finally {
      clock.stop();
    }
  }

  private async refusal(where: string, { statusCode, body }: Response, header: Header): Promise<Failure> {
    let text = '';
    try {
      const decoder = new TextDecoder();
      for await (const piece of body as AsyncIterable<Uint8Array>) {
        text += decoder.decode(piece, { stream: true });
        if (text.length > ERROR_CHARACTERS) break;
      }
    } catch {
      // What came of it will do.
    }
    return statusFailure(where, statusCode, this.discreet(text), header);
  }

  private discreet(words: string): string {
    const { apiKey } = this.settings;
    return apiKey === undefined ? words : words.replaceAll(apiKey, '***');
  }
}

function headerOf({ headers }: Response): Header {
  return (name) => {
    const value = headers[name];
    return (Array.isArray(value) ? value[0] : value) ?? null;
  };
}

/** Texts as bytes, a little at a time; what has been sent is let go. */
async function* bytesOf(texts: string[], sent = (): void => {}): AsyncGenerator<Buffer, void, void> {
  for (let text = texts.shift(); text !== undefined; text = texts.shift()) {
    let at = 0;
    while (at < text.length) {
      // A letter of two halves stays whole.
      const half = /[\uD800-\uDBFF]/.test(text[at + PIECE - 1] ?? '') ? 1 : 0;
      yield Buffer.from(text.slice(at, at + PIECE - half));
      at += PIECE - half;
    }
  }
  sent();
}

/** Fires a signal when nobody has set it anew in time, or when another one fires. */
class Clock {
  private readonly controller = new AbortController();
  private cancel = (): void => {};

  // Not AbortSignal.any: while the outer signal lives, Node 20 keeps all that were ever made of it.
  constructor(
    private readonly outer: AbortSignal,
    private readonly timer: Surroundings['timer'],
  ) {
    outer.addEventListener('abort', this.pass, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  set(seconds: number, failure: () => Failure): void {
    this.cancel();
    this.cancel = this.timer(seconds, () => this.controller.abort(failure()));
  }

  stop(): void {
    this.cancel();
    this.outer.removeEventListener('abort', this.pass);
  }

  private readonly pass = (): void => this.controller.abort(this.outer.reason);
}
