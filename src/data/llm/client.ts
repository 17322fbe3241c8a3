/** Language models behind OpenAI-compatible endpoints. */
import { setMaxListeners } from 'node:events';
import {
  below,
  fault,
  type Http,
  type HttpAnswer,
  parseCompletion,
  pauseOf,
  textOf,
  wholeText,
} from '../../endpoints/index.js';
import { BagpiperError } from '../../errors.js';
import { Permits } from '../../permits.js';
import type { Usage } from '../types.js';
import { adapt, bodyOf, type Dialect, holdsSounds, mannerOf } from './body.js';
import { type Budget, NO_USAGE } from './budget.js';
import { Expectation } from './expect.js';
import type { Place } from './place.js';
import type { Pool } from './pool.js';
import type { ChatClient, ChatReply, ChatRequest } from './types.js';

/** An endpoint: where it is and what it understands. */
export interface ChatServer {
  base: URL;
  where: string;
  dialect: Dialect;
}

/** How a client is doing, for people who watch. */
export interface ChatState {
  /** requests answered, at work, and waiting for a turn */
  answered: number;
  running: number;
  waiting: number;
  /** tries that failed and were made again */
  again: number;
  usage: Usage;
  /** in the currency of the prices; undefined without prices */
  cost?: number;
  endpoints: {
    address: string;
    answered: number;
    failed: number;
    running: number;
    /** requests that it may work on at once now */
    slots: number;
    /** other clients' requests there, where the server tells */
    others: number;
    /** mean seconds until an answer */
    seconds: number;
    /** why it takes no requests */
    barred?: string;
  }[];
}

/** Requests whose sounds are read and sent at once: the others of hundreds hold none meanwhile. */
const UPLOADS = 16;

const CLOSED = 'The connection to the language model is closed; open it again.';

export class OpenAiChat implements ChatClient {
  private readonly closing = new AbortController();
  private readonly expectation = new Expectation();
  private readonly running = new Set<AbortController>();
  private readonly uploads = new Permits(UPLOADS);

  constructor(
    readonly model: string,
    private readonly http: Http,
    private readonly pool: Pool<ChatServer>,
    private readonly budget: Budget,
    /** seconds until an answer begins, at most */
    private readonly timeout: number,
    /** seconds of the pool's clock */
    private readonly now: () => number,
  ) {}

  /** fires when the client is closed */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  async chat(request: ChatRequest, signal: AbortSignal): Promise<ChatReply> {
    if (this.closing.signal.aborted) throw new BagpiperError(CLOSED);
    signal.throwIfAborted();
    // One signal stands for all requests of a stage.
    setMaxListeners(0, signal);
    const own = new AbortController();
    const pass = (): void => own.abort(signal.reason);
    signal.addEventListener('abort', pass, { once: true });
    this.running.add(own);
    const expected = this.expectation.of(request);
    try {
      const booking = await this.budget.book(expected, own.signal);
      try {
        const reply = await this.pool.run(
          (server, place) => this.ask(server, place, request, own.signal),
          expected.prompt + expected.completion,
          ({ usage }) => usage.total_tokens || undefined,
          own.signal,
        );
        this.expectation.learn(request, reply.usage);
        booking.spend(reply.usage);
        return reply;
      } finally {
        booking.end();
      }
    } finally {
      this.running.delete(own);
      signal.removeEventListener('abort', pass);
    }
  }

  get state(): ChatState {
    const { cost, usage } = this.budget;
    const { places, waiting, again } = this.pool;
    return {
      answered: places.reduce((sum, { succeeded }) => sum + succeeded, 0),
      running: places.reduce((sum, { running }) => sum + running, 0),
      waiting,
      again,
      usage: { ...usage },
      ...(cost === undefined ? {} : { cost }),
      endpoints: places.map(({ server, succeeded: answered, failed, running, others, slots, seconds, barred }) => ({
        address: server.where,
        answered,
        failed,
        running,
        others,
        slots: Math.floor(slots),
        seconds,
        ...(barred ? { barred: barred.error.message } : {}),
      })),
    };
  }

  async close(): Promise<void> {
    this.closing.abort();
    for (const own of this.running) own.abort(new BagpiperError(CLOSED));
    this.pool.stop(new BagpiperError(CLOSED));
    await this.http.close();
  }

  private async ask(
    server: ChatServer,
    place: Place<ChatServer>,
    request: ChatRequest,
    signal: AbortSignal,
  ): Promise<ChatReply> {
    const { base, where, dialect } = server;
    const url = below(base, 'chat/completions');
    for (;;) {
      const manner = mannerOf(request, dialect);
      const sent = holdsSounds(request) ? await this.uploads.take(signal) : undefined;
      try {
        const body = await bodyOf(this.model, request, manner);
        const answer = await this.http.send(url, { where, body, sent, firstByte: this.timeout, signal });
        const reply = await readReply(where, answer, this.model);
        this.heed(place, answer, request);
        return reply;
      } catch (error) {
        if (!adapt(dialect, request, manner, error)) throw error;
      } finally {
        sent?.();
      }
    }
  }

  /** Waits where the server's headers say that the next one would be refused. */
  private heed(place: Place<ChatServer>, { header }: HttpAnswer, request: ChatRequest): void {
    const { prompt, completion } = this.expectation.of(request);
    const pause = pauseOf(header, prompt + completion);
    if (pause > 0) place.closedUntil = Math.max(place.closedUntil, this.now() + pause);
  }
}

/** @throws Failure for what is no completion */
async function readReply(where: string, answer: HttpAnswer, model: string): Promise<ChatReply> {
  const completion = parseCompletion(where, await wholeText(answer), answer.type, answer.discreet);
  const choice = completion.choices?.[0];
  if (typeof choice?.message !== 'object' || choice.message === null) {
    throw fault(where, 'the answer has no choices; is this a chat completion server?', 'elsewhere');
  }
  const { usage } = completion;
  const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? Math.floor(value) : 0);
  const [prompt, made] = [count(usage?.prompt_tokens), count(usage?.completion_tokens)];
  return {
    text: textOf(choice.message.content),
    finishReason: choice.finish_reason ?? 'stop',
    usage: { ...NO_USAGE, prompt_tokens: prompt, completion_tokens: made, total_tokens: prompt + made },
    model,
  };
}
