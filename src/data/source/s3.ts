/**
 * Buckets of S3 and what speaks its protocol (MinIO, R2, Ceph): lists keys and reads objects or parts of them. Keys and region
 * come from the environment as for all such tools: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,
 * AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL. Without keys, requests are not signed, as public buckets want it.
 */
import type { AwsClient } from 'aws4fetch';
import { BagpiperError, messageOf, ServerError } from '../../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Place {
  bucket: string;
  key: string;
}

/** An object of a listing. */
export interface Listed {
  key: string;
  size: number;
}

const RETRIES = 4;

/** @param uri s3://bucket/key @throws BagpiperError */
export function placeOf(uri: string): Place {
  const found = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(uri);
  if (!found) throw new BagpiperError(`${uri}: is no place in a bucket; one such as s3://bucket/folder is accepted.`);
  return { bucket: found[1], key: found[2] };
}

export class Buckets {
  private readonly endpoint: string | undefined;
  private readonly region: string;
  private client: Promise<AwsClient> | undefined;

  constructor(private readonly env: Environment = process.env) {
    this.endpoint = (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL)?.replace(/\/+$/, '');
    this.region = env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  }

  /** All objects whose keys begin with `prefix`, in the order of their keys. @throws BagpiperError */
  async *list({ bucket, key: prefix }: Place, signal?: AbortSignal): AsyncGenerator<Listed, void, void> {
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ 'list-type': '2', 'encoding-type': 'url', prefix });
      if (token !== undefined) query.set('continuation-token', token);
      const response = await this.get(`s3://${bucket}/${prefix}`, `${this.base(bucket)}/?${query}`, {}, signal);
      const page = await response.text();
      for (const [, content] of page.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        const key = decodeURIComponent((textIn(content, 'Key') ?? '').replaceAll('+', ' '));
        if (!key.endsWith('/')) yield { key, size: Number(textIn(content, 'Size') ?? 0) };
      }
      token = textIn(page, 'IsTruncated') === 'true' ? textIn(page, 'NextContinuationToken') : undefined;
    } while (token !== undefined);
  }

  /** Bytes of an object, as a stream, or a part of it. @throws BagpiperError */
  async open(uri: string, range?: { at: number; length: number }, signal?: AbortSignal): Promise<Response> {
    const { bucket, key } = placeOf(uri);
    const path = key.split('/').map(strictly).join('/');
    const headers = range && { range: `bytes=${range.at}-${range.at + range.length - 1}` };
    return this.get(uri, `${this.base(bucket)}/${path}`, headers ?? {}, signal);
  }

  /** Size of an object in bytes, and its beginning. @throws BagpiperError */
  async begin(uri: string, length: number, signal?: AbortSignal): Promise<{ size: number; bytes: Uint8Array }> {
    const response = await this.open(uri, { at: 0, length }, signal);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const size = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
    return { size: size === undefined ? bytes.length : Number(size), bytes };
  }

  private base(bucket: string): string {
    if (this.endpoint) return `${this.endpoint}/${bucket}`;
    // Names with dots do not fit the certificate of the usual address.
    const { region } = this;
    return bucket.includes('.')
      ? `https://s3.${region}.amazonaws.com/${bucket}`
      : `https://${bucket}.s3.${region}.amazonaws.com`;
  }

  private async get(
    uri: string,
    url: string,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    let response: Response;
    try {
      response = await this.fetch(url, { headers, ...(signal && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      const cause = error instanceof Error && error.cause ? error.cause : error;
      throw new ServerError(`${uri}: the bucket's server cannot be reached (${messageOf(cause)}); check the address.`);
    }
    if (response.ok) return response;
    // A part of an empty object.
    if (response.status === 416) return new Response('');
    const said = textIn(await response.text(), 'Code') ?? response.statusText;
    if (response.status === 404)
      throw new BagpiperError(`${uri}: there is no such thing (${said}); check bucket and key.`);
    if (response.status >= 500 || response.status === 429) {
      throw new ServerError(`${uri}: the bucket's server answers ${response.status} (${said}); try again later.`);
    }
    throw new BagpiperError(
      `${uri}: the bucket's server refuses (${response.status} ${said}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL.`,
    );
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    if (this.env.AWS_ACCESS_KEY_ID && this.env.AWS_SECRET_ACCESS_KEY) {
      this.client ??= this.connect(this.env.AWS_ACCESS_KEY_ID, this.env.AWS_SECRET_ACCESS_KEY);
      return (await this.client).fetch(url, init);
    }
    return fetch(url, init);
  }

  private async connect(accessKeyId: string, secretAccessKey: string): Promise<AwsClient> {
    const { AwsClient } = await import('aws4fetch');
    const { AWS_SESSION_TOKEN: sessionToken } = this.env;
    return new AwsClient({
      accessKeyId,
      secretAccessKey,
      service: 's3',
      region: this.region,
      retries: RETRIES,
      ...(sessionToken ? { sessionToken } : {}),
    });
  }
}

/** As signatures want it: also what URLs may hold plainly. */
function strictly(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function textIn(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.replace(/&(lt|gt|quot|apos|amp);/g, (_, entity: string) => ENTITIES[entity] ?? '');
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
