/** Ranges of one file's bytes from the hub, or from the server that the hub refers to. */
import { ServerError } from '../../errors.js';
import { type Asked, connectionFailure, hostOf, refusalOf, Transient } from './failure.js';
import { type Answer, drop, type Http, type Pace } from './http.js';
import type { HubFile } from './listing.js';

/** The server gives the file only as a whole. */
export class NoRanges extends Error {
  override readonly name = 'NoRanges';
}

/** Where the bytes lay last time: asking there at once spares the hub a request a range. */
interface Known {
  url: URL;
  /** what that server calls this state of the file */
  etag: string | undefined;
}

export class Source {
  private readonly address: URL;
  private readonly asked: Asked;
  private known: Known | undefined;

  constructor(
    private readonly http: Http,
    repo: string,
    private readonly commit: string,
    readonly file: HubFile,
  ) {
    const { endpoint, token } = http.settings;
    const path = file.path.split('/').map(encodeURIComponent).join('/');
    this.address = new URL(`${endpoint}/${repo}/resolve/${commit}/${path}`);
    this.asked = { endpoint, repo, revision: commit, path: file.path, token };
  }

  /**
   * The bytes from `start` to before `end`, as they come; ends early or throws where the connection breaks.
   *
   * @throws Transient where another try may help; NoRanges; BagpiperError for refusals; the signal's reason.
   */
  async *read(start: number, end: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const answer = await this.open(start, end, signal);
    const { host } = answer.url;
    const slow = new Trickle(this.http.pace);
    let left = end - start;
    try {
      for await (const piece of answer.body as AsyncIterable<Uint8Array>) {
        if (piece.length > left) throw this.odd('sends more bytes than it announced');
        left -= piece.length;
        yield piece;
        if (left > 0 && slow.after(piece.length)) throw new Error('it became very slow');
      }
    } catch (error) {
      signal.throwIfAborted();
      throw connectionFailure(error, host);
    } finally {
      answer.body.on('error', () => {}).destroy();
    }
    if (left > 0) throw connectionFailure(new Error('the answer ended too early'), host);
  }

  private async open(start: number, end: number, signal: AbortSignal): Promise<Answer> {
    const { known } = this;
    const range = { range: `bytes=${start}-${end - 1}` };
    if (known !== undefined) {
      const headers = known.etag === undefined ? range : { ...range, 'if-range': known.etag };
      const answer = await this.http.get(known.url, headers, signal);
      if (answer.status === 206) return this.checkedRange(answer, start, end);
      // Signed addresses expire, and files on mirrors change: the hub knows where to go now.
      await drop(answer.body);
      if (this.known === known) this.known = undefined;
    }
    const answer = await this.http.get(this.address, range, signal, (header) => this.compare(header));
    const { status } = answer;
    if (status === 206 || status === 200) {
      if (status === 206) {
        if (!answer.own) this.known = { url: answer.url, etag: strong(answer.header('etag')) };
        return this.checkedRange(answer, start, end);
      }
      if (start === 0 && end === this.file.size) return answer;
      answer.body.on('error', () => {}).destroy();
      throw new NoRanges();
    }
    await drop(answer.body);
    if (status === 416) {
      throw this.odd(`has fewer bytes than the ${this.file.size} it lists`);
    }
    // What another server than the hub refuses is a signed address gone stale; the hub gives a new one.
    if (!answer.own && status < 500 && status !== 429) {
      throw new Transient(
        new ServerError(`${answer.url.host} refuses ${this.file.path} (${status}); try again later.`),
      );
    }
    throw refusalOf(answer, this.asked);
  }

  /** The answer must be the range that was asked for, of a file of the listed size. */
  private checkedRange(answer: Answer, start: number, end: number): Answer {
    const said = answer.header('content-range') ?? '';
    const [, from, to, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(said) ?? [];
    const right = Number(from) === start && Number(to) === end - 1;
    if (right && (size === '*' || Number(size) === this.file.size)) return answer;
    answer.body.on('error', () => {}).destroy();
    throw this.odd(`gives bytes "${said}" where ${start}-${end - 1} of ${this.file.size} were asked for`);
  }

  /** The hub tells commit, size and checksum of what it gives; another than listed would be found only at the end. */
  private compare(of: Answer['header']): void {
    const commit = of('x-repo-commit');
    if (commit !== undefined && commit !== this.commit) {
      throw this.odd(`gives commit ${commit} where ${this.commit} was asked for`);
    }
    const size = of('x-linked-size');
    if (size !== undefined && Number(size) !== this.file.size) {
      throw this.odd(`says it has ${size} bytes, and ${this.file.size} in the listing`);
    }
    const etag = of('x-linked-etag')?.replace(/^W\//, '').replaceAll('"', '');
    const { algorithm, hex } = this.file.digest;
    if (etag !== undefined && algorithm === 'sha256' && /^[0-9a-f]{64}$/.test(etag) && etag !== hex) {
      throw this.odd(`says it has SHA-256 ${etag}, and ${hex} in the listing`);
    }
  }

  private odd(what: string): ServerError {
    return new ServerError(
      `${hostOf(this.asked.endpoint)} contradicts itself about ${this.file.path} of ${this.asked.repo}: it ${what}; try later, or without a mirror in HF_ENDPOINT.`,
    );
  }
}

/**
 * Notices a connection that brings next to nothing. All ranges after it wait for it, and a new one costs only a request, also
 * where the whole line is that slow.
 */
class Trickle {
  private since = performance.now();
  private bytes = 0;

  constructor(private readonly pace: Pace) {}

  after(bytes: number): boolean {
    this.bytes += bytes;
    if (performance.now() - this.since < this.pace.silence) return false;
    const slow = this.bytes < this.pace.chunk / 16;
    this.since = performance.now();
    this.bytes = 0;
    return slow;
  }
}

/** Only strong entity tags may stand in `if-range`. */
function strong(etag: string | undefined): string | undefined {
  return etag?.startsWith('"') ? etag : undefined;
}
