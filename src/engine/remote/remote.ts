/** The engine at a server (or several in turn): requests go out over HTTP, events come back as from the engine here. */
import { below, type Endpoints, type Http, type HttpAnswer, mistake } from '../../endpoints/index.js';
import { BagpiperError } from '../../errors.js';
import { Channel } from '../channel.js';
import type { Engine, EngineEvent, EngineInfo, GenerateRequest } from '../types.js';
import { readStream, readWhole, type WholeAnswer } from './answer.js';
import type { Settings } from './options.js';
import { askTarget, type Server } from './probe.js';
import { bodyFor, type Plan, planRequest, type Target } from './request.js';
import { type Tell, TextTeller, tellStreamed, tellWhole } from './telling.js';

/** Seeds of further tries for sound: far from what users count through. */
const NEXT_SEED = 1_000_003;

const CLOSED = 'The connection to the server is closed; open it again.';
const CLOSED_EARLY = 'The connection to the server was closed while a request was running; ask again.';

export class RemoteEngine implements Engine {
  private readonly running = new Set<Channel<EngineEvent>>();
  private closed = false;

  constructor(
    private readonly http: Http,
    private readonly endpoints: Endpoints<Server>,
    private readonly settings: Settings,
    readonly info: EngineInfo,
  ) {}

  generate(request: GenerateRequest): AsyncIterable<EngineEvent> {
    const { signal: outer } = request;
    const inner = new AbortController();
    const cancel = (): void => {
      channel.fail(outer?.reason, true);
      inner.abort(outer?.reason);
    };
    const channel: Channel<EngineEvent> = new Channel({
      start: () => {
        outer?.throwIfAborted();
        if (this.closed) throw new BagpiperError(CLOSED);
        const plan = planRequest(request);
        this.running.add(channel);
        outer?.addEventListener('abort', cancel, { once: true });
        this.answer(plan, inner.signal, (event) => channel.push(event)).then(
          () => channel.end(),
          (error) => channel.fail(error),
        );
      },
      stop: () => {
        this.running.delete(channel);
        outer?.removeEventListener('abort', cancel);
        inner.abort();
      },
    });
    return channel;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const channel of [...this.running]) channel.fail(new BagpiperError(CLOSED_EARLY));
    await this.http.close();
  }

  private async answer(plan: Plan, signal: AbortSignal, tell: Tell): Promise<void> {
    tell({ type: 'phase', phase: 'queued' });
    if (plan.sound) await this.answerWhole(plan, signal, tell);
    else await this.answerStreamed(plan, signal, tell);
  }

  private async answerStreamed(plan: Plan, signal: AbortSignal, tell: Tell): Promise<void> {
    const teller = new TextTeller(tell);
    const { firstByte } = this.settings.timeouts;
    const ending = await this.endpoints.run(
      async (server) => {
        const answer = await this.ask(server, plan, plan.request.seed, firstByte, signal);
        return readStream(server.where, answer, signal, (delta) => teller.say(delta));
      },
      signal,
      () => teller.text !== '',
    );
    tellStreamed(ending, teller, tell);
  }

  /** Text alone is a legitimate answer of the server; another seed may bring the sound. */
  private async answerWhole(plan: Plan, signal: AbortSignal, tell: Tell): Promise<void> {
    const teller = new TextTeller(tell);
    const { timeouts, soundTries } = this.settings;
    let answer: WholeAnswer | undefined;
    let tries = 0;
    while (tries < soundTries && !answer?.samples) {
      const seed = plan.request.seed + tries++ * NEXT_SEED;
      answer = await this.endpoints.run(async (server) => {
        const raw = await this.ask(server, plan, seed, timeouts.answer, signal);
        return readWhole(server.where, raw, signal);
      }, signal);
    }
    tellWhole(answer!, tries, teller, tell);
  }

  private async ask(
    server: Server,
    plan: Plan,
    seed: number,
    firstByte: number,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    server.target ??= await this.meet(server, signal);
    const body = bodyFor(plan, server.target, seed);
    return this.http.send(below(server.base, 'chat/completions'), { where: server.where, body, firstByte, signal });
  }

  /** Asks a server that was not there at the beginning what it runs: it must be the same as the others'. */
  private async meet(server: Server, signal: AbortSignal): Promise<Target> {
    const target = await askTarget(this.http, server, this.settings, signal);
    if (target.model === this.info.name) return target;
    const what = `it runs ${target.model}, the others ${this.info.name}; name one model with --server-model.`;
    throw mistake(server.where, what, 'elsewhere');
  }
}
