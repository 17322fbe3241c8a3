/**
 * A stub of an OpenAI-compatible server of chat completions: real sockets, no model. It takes text and sound as the documented
 * schema has them, refuses what breaks the schema, answers what a script says, and fails as told. Script and faults see what
 * is asked (and for the how-manieth time), never the order of different requests: so runs can be compared.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Random } from '../../src/random.js';
import { fail, send } from './endpoint-faults.js';
import { type ChatBody, objection, soundsOf, textOf } from './endpoint-schema.js';

export type { ChatBody } from './endpoint-schema.js';

/** A chat completion as it was asked for. */
export interface AskedChat {
  headers: Record<string, string | string[] | undefined>;
  body: ChatBody;
  /** all text of all messages, with newlines between */
  text: string;
  sounds: { format: string; bytes: Buffer }[];
  /** hash of the body without its seed: equal for equal requests */
  key: string;
  /** how often the same was asked before: 0 at first */
  time: number;
}

/** What the model says: its text, or more. */
export type Scripted = string | { text: string; finish?: string; usage?: { prompt: number; completion: number } };

export type Script = (asked: AskedChat) => Scripted;

/** What goes wrong with one request. */
export type Fault =
  /** an error in OpenAI's shape */
  | { kind: 'status'; status: number; message?: string; headers?: Record<string, string> }
  /** the answer breaks off in the middle of its JSON and the connection with it */
  | { kind: 'cut' }
  /** the answer ends in the middle of its JSON, as if it were whole */
  | { kind: 'half' }
  /** headers and half of the answer come, then nothing */
  | { kind: 'stall' }
  /** nothing comes */
  | { kind: 'hang' }
  /** the connection is closed without a word */
  | { kind: 'reset' }
  /** status 200 and JSON, but no completion */
  | { kind: 'odd' }
  /** status 200 and a web page */
  | { kind: 'page' }
  /** the model's text is cut in the middle, `finish_reason` is "length" */
  | { kind: 'length' }
  /** the right answer, later */
  | { kind: 'slow'; seconds: number };

export type FaultKind = Fault['kind'];
/** undefined: nothing goes wrong */
export type Faults = (asked: AskedChat) => Fault | undefined;

export interface ScriptedOptions {
  script?: Script;
  faults?: Faults;
  models?: string[];
  /** kinds of `response_format` that the server knows; default all */
  formats?: ('json_schema' | 'json_object')[];
  /** the only key that is accepted; default: any or none */
  apiKey?: string;
  /** headers that come with each answer */
  headers?: Record<string, string> | (() => Record<string, string>);
  /** sounds and messages are dropped from `asked` once answered: for many or long ones */
  lean?: boolean;
}

export class ScriptedEndpoint {
  /** ends in /v1 */
  readonly address: string;
  /** every completion asked for, in order of arrival; sounds and bodies are kept as they came */
  readonly asked: AskedChat[] = [];
  /** completions in the making now, and the most there have ever been */
  running = 0;
  mostRunning = 0;
  /** completions at work now that will never be answered */
  hung = 0;
  /** completions answered rightly, failed on purpose, and left by the client before they were answered */
  answered = 0;
  failed = 0;
  left = 0;
  /** what `/metrics` says, as vLLM does; undefined: there is no such page */
  metrics: { running: number; waiting: number } | undefined;
  /** can be changed at any time */
  script: Script;
  faults: Faults;

  /** connections that the server itself has broken */
  private readonly broken = new WeakSet<ServerResponse>();
  private readonly times = new Map<string, number>();
  private gate: { promise: Promise<void>; open: () => void } | undefined;
  private readonly watchers: { ready: () => boolean; tell: () => void }[] = [];

  private constructor(
    private readonly server: Server,
    private readonly sockets: Set<Socket>,
    private readonly options: ScriptedOptions,
  ) {
    this.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    this.script = options.script ?? (({ text }) => `Heard: ${text.slice(0, 200)}`);
    this.faults = options.faults ?? (() => undefined);
  }

  static async start(options: ScriptedOptions = {}, port = 0): Promise<ScriptedEndpoint> {
    const sockets = new Set<Socket>();
    const server = createServer((request, response) => void endpoint.receive(request, response));
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen({ port, host: '127.0.0.1', backlog: 4096 }, resolve));
    const endpoint: ScriptedEndpoint = new ScriptedEndpoint(server, sockets, options);
    return endpoint;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** From now on completions wait until `release`. */
  hold(): void {
    if (this.gate) return;
    let open = (): void => {};
    const promise = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.gate = { promise, open };
  }

  release(): void {
    this.gate?.open();
    this.gate = undefined;
  }

  /** Resolves as soon as `ready` holds; it is looked at whenever something comes, goes or ends. */
  async until(ready: (endpoint: this) => boolean): Promise<void> {
    if (ready(this)) return;
    await new Promise<void>((tell) => this.watchers.push({ ready: () => ready(this), tell }));
  }

  private changed(): void {
    for (const watcher of this.watchers.splice(0)) {
      if (watcher.ready()) watcher.tell();
      else this.watchers.push(watcher);
    }
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = `${request.method} ${request.url}`;
    if (path === 'GET /v1/models') {
      const data = this.models.map((id) => ({ id, object: 'model', owned_by: 'script' }));
      return send(response, 200, { object: 'list', data });
    }
    if (path === 'GET /metrics' && this.metrics) return this.sendMetrics(response);
    if (path !== 'POST /v1/chat/completions') return send(response, 404, { detail: 'Not Found' });
    let text = '';
    try {
      for await (const piece of request.setEncoding('utf8')) text += piece;
    } catch {
      this.left++;
      return this.changed();
    }
    const asked = this.askedOf(request, text);
    const at = this.asked.push(asked) - 1;
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    response.on('close', () => {
      this.running--;
      if (!response.writableFinished && !this.broken.has(response)) this.left++;
      this.changed();
    });
    this.changed();
    await this.answer(asked, response);
    if (this.options.lean) this.asked[at] = { ...asked, body: { ...asked.body, messages: [] }, sounds: [] };
  }

  private askedOf({ headers }: IncomingMessage, text: string): AskedChat {
    const body = JSON.parse(text) as ChatBody;
    const { seed: _, ...rest } = body;
    const key = createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 16);
    const time = this.times.get(key) ?? 0;
    this.times.set(key, time + 1);
    return { headers, body, text: textOf(body), sounds: soundsOf(body), key, time };
  }

  private async answer(asked: AskedChat, response: ServerResponse): Promise<void> {
    const { apiKey } = this.options;
    if (apiKey !== undefined && asked.headers.authorization !== `Bearer ${apiKey}`) {
      return this.refuse(response, 401, 'Incorrect API key provided.', 'invalid_api_key');
    }
    if (!this.models.includes(asked.body.model)) {
      return this.refuse(response, 404, `The model \`${asked.body.model}\` does not exist.`, 'model_not_found');
    }
    const wrong = objection(asked.body, this.options.formats ?? ['json_schema', 'json_object']);
    if (wrong) return this.refuse(response, 400, wrong, 'invalid_request_error');
    const fault = this.faults(asked);
    await this.gate?.promise;
    if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.seconds * 1000));
    const completion = completionOf(asked, this.script(asked), fault?.kind === 'length');
    const { headers = {} } = this.options;
    const own = typeof headers === 'function' ? headers() : headers;
    if (fault && fault.kind !== 'slow' && fault.kind !== 'length') {
      this.failed++;
      if (fault.kind === 'hang' || fault.kind === 'stall') {
        this.hung++;
        response.on('close', () => this.hung--);
      }
      if (fault.kind === 'cut' || fault.kind === 'reset') this.broken.add(response);
      return fail(response, fault, JSON.stringify(completion), own);
    }
    this.answered++;
    send(response, 200, completion, own);
  }

  private refuse(response: ServerResponse, status: number, message: string, code: string): void {
    this.failed++;
    send(response, status, { error: { message, type: 'invalid_request_error', param: null, code } });
  }

  private get models(): string[] {
    return this.options.models ?? ['scripted'];
  }

  private sendMetrics(response: ServerResponse): void {
    const { running = 0, waiting = 0 } = this.metrics ?? {};
    const line = (name: string, value: number): string =>
      `# TYPE vllm:num_requests_${name} gauge\nvllm:num_requests_${name}{engine="0",model_name="scripted"} ${value.toFixed(1)}\n`;
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(line('running', running) + line('waiting', waiting));
  }
}

function completionOf(asked: AskedChat, said: Scripted, cut: boolean): object {
  const { text: whole, finish, usage }: Exclude<Scripted, string> = typeof said === 'string' ? { text: said } : said;
  const text = cut ? whole.slice(0, Math.floor(whole.length / 2)) : whole;
  // About a token in 4 characters, and 13 a second of 16-bit sound at 16 kHz.
  const sound = asked.sounds.reduce((sum, { bytes }) => sum + Math.ceil((bytes.length / 32000) * 13) + 10, 0);
  const prompt = usage?.prompt ?? Math.ceil(asked.text.length / 4) + sound;
  const completion = usage?.completion ?? Math.ceil(text.length / 4);
  return {
    id: `chatcmpl-${asked.key}`,
    object: 'chat.completion',
    created: 1760000000,
    model: asked.body.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text, refusal: null },
        logprobs: null,
        finish_reason: cut ? 'length' : (finish ?? 'stop'),
      },
    ],
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
  };
}

/** A fault with each first try of the requests whose text says so, e.g. `{ reset: /dog/ }`. */
export function faultsOf(table: Partial<Record<FaultKind, RegExp>>, details: Partial<Fault> = {}): Faults {
  return ({ text, time }) => {
    const kind = (Object.keys(table) as FaultKind[]).find((name) => table[name]?.test(text));
    return time === 0 && kind ? ({ kind, status: 500, seconds: 0.05, ...details } as Fault) : undefined;
  };
}

/**
 * Faults by chance that depends on the request alone.
 *
 * @param shares of requests that each kind befalls, each for itself in this order
 * @param most faults of equal requests; later ones are answered rightly
 */
export function randomFaults(seed: number, shares: readonly (readonly [share: number, Fault])[], most = 2): Faults {
  return ({ key, time }) => {
    if (time >= most) return undefined;
    const random = new Random(`${seed} ${key} ${time}`);
    return shares.find(([share]) => random.chance(share))?.[1];
  };
}
