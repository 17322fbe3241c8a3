/**
 * One HTTP exchange with a server, watched by clocks. It is Node's own `fetch` from its package `undici`: the one built in
 * gives up after 300 s without a header, and a rendered sound, which comes in one piece, can take longer. It is loaded when
 * first used.
 */
import type { Agent, Response } from 'undici';
import { connectionFailure, Failure, fault, statusFailure } from './failure.js';
import type { SilenceOptions } from './options.js';

/** Bytes that an answer may have: an hour of sound as base64. */
const MOST_BYTES = 256 * 2 ** 20;
/** Characters of an error's body that are read. */
const ERROR_CHARACTERS = 1 << 16;

export interface HttpSettings {
  /** sent to every server as a bearer token */
  apiKey: string | undefined;
  timeouts: SilenceOptions;
}

export interface Call {
  /** how the server is called in messages */
  where: string;
  /** sent as JSON by POST; without it the call is a GET */
  body?: object;
  /** seconds until the first byte of the answer's body */
  firstByte: number;
  signal: AbortSignal;
}

/** An answer whose status was 200. */
export interface HttpAnswer {
  /** the header `content-type` */
  type: string;
  /** text as it comes; @throws Failure when it breaks off or stays away too long */
  text: AsyncIterable<string>;
  /** the server's words with our key struck out, should it repeat it */
  discreet: (words: string) => string;
}

/** Connections to servers. */
export class Http {
  private agent: Agent | undefined;

  constructor(private readonly settings: HttpSettings) {}

  /** @throws Failure, or the signal's reason */
  async send(url: URL, call: Call): Promise<HttpAnswer> {
    const { where, signal } = call;
    signal.throwIfAborted();
    const clock = new Clock();
    try {
      const late = `no answer came within ${call.firstByte} s; try later, or allow more with --timeout.`;
      clock.set(call.firstByte, () => fault(where, late, 'elsewhere'));
      const response = await this.fetch(url, call, AbortSignal.any([signal, clock.signal]));
      if (response.status !== 200) throw await this.refusal(where, response);
      return {
        type: response.headers.get('content-type') ?? '',
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

  private async fetch(url: URL, { where, body }: Call, signal: AbortSignal): Promise<Response> {
    const { apiKey } = this.settings;
    const headers: Record<string, string> = { accept: 'application/json, text/event-stream', 'user-agent': 'bagpiper' };
    if (apiKey !== undefined) headers.authorization = `Bearer ${apiKey}`;
    if (body) headers['content-type'] = 'application/json';
    const { Agent, fetch } = await import('undici');
    const { connect } = this.settings.timeouts;
    // 0: our own clocks watch the rest.
    this.agent ??= new Agent({ connect: { timeout: connect * 1000 }, headersTimeout: 0, bodyTimeout: 0 });
    try {
      return await fetch(url, {
        method: body ? 'POST' : 'GET',
        headers,
        ...(body ? { body: JSON.stringify(body) } : {}),
        dispatcher: this.agent,
        redirect: 'manual',
        signal,
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw connectionFailure(where, url.host, error, false);
    }
  }

  private async *text(response: Response, { where, signal }: Call, clock: Clock): AsyncGenerator<string, void, void> {
    const { idle } = this.settings.timeouts;
    const silent = `nothing more came for ${idle} s in the middle of the answer; try again.`;
    const decoder = new TextDecoder();
    let bytes = 0;
    try {
      for await (const piece of pieces(response)) {
        clock.set(idle, () => fault(where, silent, 'here'));
        bytes += piece.length;
        if (bytes > MOST_BYTES) throw fault(where, 'the answer has more than 256 MB; it was not read.', 'elsewhere');
        yield decoder.decode(piece, { stream: true });
      }
      yield decoder.decode();
    } catch (error) {
      if (error instanceof Failure) throw error;
      for (const { aborted, reason } of [signal, clock.signal]) if (aborted) throw reason;
      throw connectionFailure(where, where, error, true);
    } finally {
      clock.stop();
    }
  }

  private async refusal(where: string, response: Response): Promise<Failure> {
    let body = '';
    try {
      const decoder = new TextDecoder();
      for await (const piece of pieces(response)) {
        body += decoder.decode(piece, { stream: true });
        if (body.length > ERROR_CHARACTERS) break;
      }
    } catch {
      // What came of it will do.
    }
    return statusFailure(where, response.status, this.discreet(body), response.headers.get('retry-after'));
  }

  private discreet(words: string): string {
    const { apiKey } = this.settings;
    return apiKey === undefined ? words : words.replaceAll(apiKey, '***');
  }
}

async function* pieces({ body }: Response): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of body ?? []) yield piece as Uint8Array;
}

/** Fires a signal when nobody has set it anew in time. */
class Clock {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  set(seconds: number, failure: () => Failure): void {
    this.stop();
    this.timer = setTimeout(() => this.controller.abort(failure()), seconds * 1000);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
