/**
 * A stub of the Hugging Face hub, and of the storage server it sends its large files from: real HTTP on two ports of this
 * machine, as documented at huggingface.co/docs/hub/api. It holds made-up repositories, remembers what it was asked, and
 * breaks off, lies and refuses where a test tells it to.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Random } from '../../../src/random.js';

export interface StubFile {
  content: Uint8Array;
  /** large files are sent by the storage server and known by their SHA-256 */
  lfs: boolean;
}

export interface StubRepo {
  /** 40 hex digits */
  commit: string;
  /** branches and tags, beside `main`, that lead to the commit */
  refs?: string[];
  files: Record<string, StubFile>;
  /** only with this token can the repository be seen */
  private?: string;
  /** only with this token can the files be had */
  gated?: string;
}

export interface Asked {
  server: 'hub' | 'storage';
  method: string;
  /** with the query */
  path: string;
  headers: IncomingMessage['headers'];
}

/** What goes wrong with an answer. */
export type Fault =
  /** no answer, the connection is cut */
  | 'reset'
  /** the connection is cut after so many bytes of the body, which is that of the whole file with `whole` */
  | { cut: number; whole?: true }
  /** silence after so many bytes of the body */
  | { stall: number }
  /** another status, with headers */
  | { status: number; headers?: Record<string, string> }
  /** one byte of the body is wrong */
  | 'corrupt'
  /** the whole file, whatever range was asked for */
  | 'no ranges'
  /** headers that contradict the listing */
  | { headers: Record<string, string> };

export class StubHub {
  readonly asked: Asked[] = [];
  /** entries of a page of a listing */
  pageSize = 1000;
  /** how often a signed address works */
  uses = Number.POSITIVE_INFINITY;
  /** decides what goes wrong */
  fault: (asked: Asked) => Fault | undefined = () => undefined;
  /** bytes of file contents sent so far, told as they are sent */
  onSent: (total: number) => void = () => {};
  /** milliseconds between pieces of 4 KiB */
  pieceDelay = 0;
  private sent = 0;
  private signatures = 0;
  private readonly used = new Map<string, number>();
  private readonly hub: Server;
  private readonly storage: Server;

  private constructor(readonly repos: Record<string, StubRepo>) {
    this.hub = createServer((request, response) => this.handle('hub', request, response));
    this.storage = createServer((request, response) => this.handle('storage', request, response));
  }

  static async start(repos: Record<string, StubRepo>): Promise<StubHub> {
    const stub = new StubHub(repos);
    for (const server of [stub.hub, stub.storage]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return stub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.hub.address() as AddressInfo).port}`;
  }

  /** Requests for contents, by server. */
  downloads(server: Asked['server']): Asked[] {
    return this.asked.filter((one) => one.server === server && !one.path.startsWith('/api/'));
  }

  async stop(): Promise<void> {
    for (const server of [this.hub, this.storage]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  private handle(server: Asked['server'], request: IncomingMessage, response: ServerResponse): void {
    const asked = { server, method: request.method ?? '', path: request.url ?? '', headers: request.headers };
    this.asked.push(asked);
    const fault = this.fault(asked);
    if (fault === 'reset') {
      request.socket.destroy();
      return;
    }
    if (typeof fault === 'object' && 'status' in fault) {
      response.writeHead(fault.status, fault.headers).end('no');
      return;
    }
    const url = new URL(asked.path, this.endpoint);
    if (server === 'storage') this.stored(url, asked, response, fault);
    else if (url.pathname.startsWith('/api/models/')) this.api(url, asked, response);
    else this.resolve(url, asked, response, fault);
  }

  /** `/api/models/ORG/NAME/revision/REV` and `/api/models/ORG/NAME/tree/REV` */
  private api(url: URL, asked: Asked, response: ServerResponse): void {
    const [, name, kind, revision] = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/(.+)$/.exec(url.pathname) ?? [];
    const repo = this.visible(name, asked, response);
    if (repo === undefined) return;
    if (![repo.commit, 'main', ...(repo.refs ?? [])].includes(decodeURIComponent(revision))) {
      json(response, 404, { error: 'Invalid rev id' }, { 'x-error-code': 'RevisionNotFound' });
      return;
    }
    if (kind === 'revision') {
      json(response, 200, {
        _id: '1',
        id: name,
        sha: repo.commit,
        private: false,
        gated: false,
        lastModified: '2026-01-01',
      });
      return;
    }
    const all = Object.entries(repo.files).map(([path, file]) => entryOf(path, file));
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const next = from + this.pageSize;
    const link = `<${this.endpoint}${url.pathname}?recursive=true&cursor=${next}>; rel="next"`;
    json(response, 200, all.slice(from, next), next < all.length ? { link } : {});
  }

  /** `/ORG/NAME/resolve/COMMIT/PATH` */
  private resolve(url: URL, asked: Asked, response: ServerResponse, fault: Fault | undefined): void {
    const [, name, commit, path] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    const repo = this.visible(name, asked, response);
    if (repo === undefined) return;
    const file = repo.files[decodeURIComponent(path)];
    if (commit !== repo.commit || file === undefined) {
      json(response, 404, { error: 'Entry not found' }, { 'x-error-code': 'EntryNotFound' });
      return;
    }
    if (repo.gated !== undefined && asked.headers.authorization !== `Bearer ${repo.gated}`) {
      json(response, 403, { error: 'gated' }, { 'x-error-code': 'GatedRepo' });
      return;
    }
    const extra = typeof fault === 'object' && 'headers' in fault ? fault.headers : {};
    const headers = { 'x-repo-commit': repo.commit, etag: `"${oidOf(file)}"`, ...extra };
    if (!file.lfs) {
      this.send(file, asked, response, headers, fault);
      return;
    }
    const hex = sha256(file.content);
    const { port } = this.storage.address() as AddressInfo;
    response
      .writeHead(302, {
        location: `http://127.0.0.1:${port}/${hex}?signature=${this.signatures++}`,
        'x-linked-etag': `"${hex}"`,
        'x-linked-size': file.content.length,
        ...headers,
      })
      .end();
  }

  /** `/SHA256?signature=N` */
  private stored(url: URL, asked: Asked, response: ServerResponse, fault: Fault | undefined): void {
    const uses = (this.used.get(url.search) ?? 0) + 1;
    this.used.set(url.search, uses);
    const files = Object.values(this.repos).flatMap(({ files }) => Object.values(files));
    const file = files.find(({ lfs, content }) => lfs && `/${sha256(content)}` === url.pathname);
    if (uses > this.uses || file === undefined) response.writeHead(403).end('expired');
    else this.send(file, asked, response, { etag: '"storage-0123"' }, fault);
  }

  private send(
    { content }: StubFile,
    asked: Asked,
    response: ServerResponse,
    headers: Record<string, string>,
    fault: Fault | undefined,
  ): void {
    const { range, 'if-range': ifRange } = asked.headers;
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const ranged = first !== undefined && !isWhole(fault) && (ifRange === undefined || ifRange === headers.etag);
    const from = ranged ? Number(first) : 0;
    const to = ranged ? Math.min(Number(last) + 1, content.length) : content.length;
    if (ranged && from >= content.length) {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const body = Uint8Array.from(content.subarray(from, to));
    if (fault === 'corrupt') body[body.length >> 1] ^= 1;
    const about = ranged ? { 'content-range': `bytes ${from}-${to - 1}/${content.length}` } : {};
    response.writeHead(ranged ? 206 : 200, { ...headers, ...about, 'content-length': body.length });
    void this.pieces(body, response, typeof fault === 'object' ? fault : undefined);
  }

  private async pieces(body: Uint8Array, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    const { cut, stall } = (fault ?? {}) as { cut?: number; stall?: number };
    const end = Math.min(cut ?? body.length, stall ?? body.length, body.length);
    for (let at = 0; at < end && !response.destroyed; at += 4096) {
      const piece = body.subarray(at, Math.min(at + 4096, end));
      await new Promise((resolve) => response.write(piece, resolve));
      this.sent += piece.length;
      this.onSent(this.sent);
      if (this.pieceDelay > 0) await new Promise((resolve) => setTimeout(resolve, this.pieceDelay));
    }
    if (cut !== undefined && end < body.length) response.destroy();
    else if (stall === undefined) response.end();
  }

  private visible(name: string, { headers }: Asked, response: ServerResponse): StubRepo | undefined {
    const repo = this.repos[name];
    if (repo !== undefined && (repo.private === undefined || headers.authorization === `Bearer ${repo.private}`)) {
      return repo;
    }
    // As the hub does: who shows no token learns nothing of what there is.
    const status = headers.authorization === undefined ? 401 : 404;
    json(response, status, { error: 'Repository not found' }, { 'x-error-code': 'RepoNotFound' });
    return undefined;
  }
}

function isWhole(fault: Fault | undefined): boolean {
  return fault === 'no ranges' || (typeof fault === 'object' && 'whole' in fault);
}

function entryOf(path: string, file: StubFile): object {
  const { length: size } = file.content;
  const lfs = { oid: sha256(file.content), size, pointerSize: 130 };
  return { type: 'file', path, size, oid: oidOf(file), ...(file.lfs ? { lfs } : {}) };
}

function json(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** git's name of a small file's content, or (of a large one) of the text that stands for it; here any 40 digits do */
export function oidOf({ content, lfs }: StubFile): string {
  if (lfs) return '0'.repeat(40);
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

const made = new Map<string, Uint8Array>();

/** Bytes that look random and are the same every time. */
export function noise(length: number, seed = 1): Uint8Array {
  const key = `${length} ${seed}`;
  let bytes = made.get(key);
  if (bytes === undefined) {
    const random = new Random(seed);
    bytes = Uint8Array.from({ length }, () => random.int(256));
    made.set(key, bytes);
  }
  return bytes;
}

export const text = (words: string): StubFile => ({ content: new TextEncoder().encode(words), lfs: false });
export const large = (length: number, seed = 1): StubFile => ({ content: noise(length, seed), lfs: true });

export const COMMIT = 'c0ffee'.padEnd(40, '0');
export const QWEN_COMMIT = 'beef'.padEnd(40, '1');

/** A model as published, with what surrounds it, and the repository of its tokenizer. */
export function published(bytes = 300_000): Record<string, StubRepo> {
  return {
    'espnet/bagpiper-sft': {
      commit: COMMIT,
      refs: ['v1', 'refs/pr/1'],
      files: {
        '.gitattributes': text('*.pt filter=lfs'),
        'README.md': text('# A model'),
        'model.pt': large(bytes),
        'conf/train sft+1.yaml': text('steps: 1'),
        MANIFEST: text('1,382 tensors'),
        'exp/mp_rank_00_optim_states.pt': large(9000, 2),
        'exp/train.log': text('loss 1'),
        'images/loss.png': large(500, 3),
      },
    },
    'Qwen/Qwen3-8B-Base': {
      commit: QWEN_COMMIT,
      files: {
        'config.json': text('{}'),
        'model-00001-of-00005.safetensors': large(5000, 4),
        'tokenizer.json': { content: noise(70_000, 5), lfs: true },
        'tokenizer_config.json': text('{"tokenizer_class":"Qwen2Tokenizer"}'),
        'vocab.json': text('{"a":1}'),
        'merges.txt': text('a b'),
      },
    },
  };
}
