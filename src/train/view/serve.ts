/** The page of a run over HTTP: read-only, on this machine alone unless told otherwise, confined to the run's folder. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { basename, resolve } from 'node:path';
import { BagpiperError, messageOf } from '../../errors.js';
import { SCRIPT } from './looks.js';
import { type Pieces, pageOf, piecesOf } from './page.js';
import { RunFolder } from './run-folder.js';
import { Sounds } from './sounds.js';

export interface PageOptions {
  /** folder of the run */
  folder: string;
  /** default 127.0.0.1: nobody but this machine */
  host?: string;
  /** default {@link PAGE_PORT}; 0 takes one that is free */
  port?: number;
}

export interface Page {
  /** where it is, as `http://127.0.0.1:8321/` */
  url: string;
  /** ends it at once, with all that look at it */
  close(): Promise<void>;
}

export const PAGE_PORT = 8321;
const LOCAL = '127.0.0.1';
/** Milliseconds between two looks at the folder, while somebody looks at the page. */
const PAUSE = 1000;
/** A word into the silence after so many looks, so that connections that are gone are noticed. */
const SILENCE = 20;

const HEADERS = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * @returns once it can be asked
 * @throws BagpiperError where the folder holds no run, or the address cannot be had
 */
export async function servePage({ folder, host = LOCAL, port = PAGE_PORT }: PageOptions): Promise<Page> {
  const site = new Site(new RunFolder(folder));
  const server = createServer((request, response) => {
    site.answer(request, response).catch(() => {
      // The folder was moved, or a sound is damaged; its path is nobody's business.
      if (!response.headersSent) send(response, 500, 'text/plain; charset=utf-8', 'This cannot be shown now.\n');
      else response.destroy();
    });
  });
  await listen(server, host, port);
  const { port: given } = server.address() as AddressInfo;
  site.local = isLoopback(host);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${given}/`,
    close: async () => {
      site.close();
      await new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      });
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => fail(new BagpiperError(whyNot(error, host, port))));
    server.listen(port, host, done);
  });
}

function whyNot(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use already; name another one, or 0 for any that is free.`;
    case 'EACCES':
      return `Port ${port} may not be used by this user; name one from 1024 on, or 0 for any that is free.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is no address of this machine; 127.0.0.1 is for this machine alone, 0.0.0.0 for its network.`;
    default:
      return `The page cannot be served at ${host}:${port}: ${messageOf(error)}; name another port.`;
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

/** What is answered. */
class Site {
  /** served to this machine alone: other names for it are refused, as a foreign page may use them to read this one */
  local = true;
  private readonly listeners = new Set<ServerResponse>();
  private readonly sounds: Sounds;
  private timer: NodeJS.Timeout | undefined;
  private sent: Pieces | undefined;
  private looks = 0;

  constructor(private readonly run: RunFolder) {
    this.sounds = new Sounds(run.samples);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, headers, url = '/' } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      say(response, 405, 'This page is only to be looked at.');
    } else if (this.local && !isOwnName(headers.host)) {
      say(response, 421, 'This page has another name.');
    } else {
      await this.show(url.replace(/[?#].*$/s, ''), response, method === 'HEAD', headers.range);
    }
  }

  private async show(path: string, response: ServerResponse, head: boolean, range: string | undefined): Promise<void> {
    if (path === '/') return send(response, 200, 'text/html; charset=utf-8', pageOf(this.name, this.look()));
    if (path === '/page.js') return send(response, 200, 'text/javascript; charset=utf-8', SCRIPT);
    if (path === '/events') return head ? say(response, 200, '') : this.listen(response);
    const [, kind, folder, name] = /^\/(sound|picture)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const file = kind && this.sounds.find(folder, name);
    if (!file) return say(response, 404, 'There is nothing of this name.');
    if (kind === 'picture') return send(response, 200, 'image/png', await this.sounds.picture(file));
    sendPart(response, 'audio/wav', await this.sounds.read(file), range);
  }

  close(): void {
    clearInterval(this.timer);
    for (const response of this.listeners) response.end();
  }

  private get name(): string {
    return basename(resolve(this.run.path));
  }

  private look(): Pieces {
    const now = Date.now();
    return piecesOf(this.run.read(now), now);
  }

  /** Server-sent events: everything at once, then what changes. */
  private listen(response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.on('close', () => {
      this.listeners.delete(response);
      if (this.listeners.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    });
    this.tell();
    this.listeners.add(response);
    response.write(messageFor(this.sent as Pieces));
    this.timer ??= setInterval(() => {
      try {
        this.tell();
      } catch {
        // The folder is being moved, or written to at this moment; the next look may succeed.
      }
    }, PAUSE);
  }

  private tell(): void {
    const before = this.sent;
    const pieces = this.look();
    this.sent = pieces;
    const parts = Object.entries(pieces.parts).filter(([id, markup]) => before?.parts[id] !== markup);
    const known = new Set(before?.auditions.map(({ id }) => id));
    const auditions = pieces.auditions.filter(({ id }) => !known.has(id));
    const changed = parts.length > 0 || auditions.length > 0;
    if (!changed && ++this.looks % SILENCE !== 0) return;
    const message = changed ? messageFor({ parts: Object.fromEntries(parts), auditions }) : ':\n\n';
    for (const response of this.listeners) response.write(message);
  }
}

const messageFor = (pieces: Pieces): string => `data: ${JSON.stringify(pieces)}\n\n`;

/** Whether a request asked for this machine by an address or the name that nobody else can give it. */
function isOwnName(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0;
}

const say = (response: ServerResponse, code: number, words: string): void =>
  send(response, code, 'text/plain; charset=utf-8', `${words}\n`);

function send(response: ServerResponse, code: number, type: string, body: string | Uint8Array): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(code, { ...HEADERS, 'Content-Type': type, 'Content-Length': bytes.length });
  // Node leaves the body of an answer to HEAD out.
  response.end(bytes);
}

/** The bytes that a player asks for (RFC 9110, one range); players on phones play nothing without. */
function sendPart(response: ServerResponse, type: string, bytes: Uint8Array, range: string | undefined): void {
  response.setHeader('Accept-Ranges', 'bytes');
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (range === undefined || (!from && !to)) {
    send(response, 200, type, bytes);
    return;
  }
  const start = from ? Number(from) : Math.max(0, bytes.length - Number(to));
  const end = from && to ? Math.min(Number(to), bytes.length - 1) : bytes.length - 1;
  if (start > end) {
    response.setHeader('Content-Range', `bytes */${bytes.length}`);
    send(response, 416, 'text/plain; charset=utf-8', 'There are no such bytes.\n');
    return;
  }
  response.setHeader('Content-Range', `bytes ${start}-${end}/${bytes.length}`);
  send(response, 206, type, bytes.subarray(start, end + 1));
}
