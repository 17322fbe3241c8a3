/** A stub of an S3 server: ListObjectsV2 in pages of two, GetObject with ranges, and the presence of signatures. No real one. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Bucket {
  address: string;
  /** method, path and range of each request */
  asked: { path: string; range: string | undefined; authorization: string | undefined }[];
  stop: () => Promise<void>;
}

const PAGE = 2;

/** @param accessKey what requests must be signed with; undefined: they must not be signed */
export async function startBucket(
  name: string,
  objects: ReadonlyMap<string, Buffer>,
  accessKey?: string,
): Promise<Bucket> {
  const asked: Bucket['asked'] = [];
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://stub');
    const { authorization, range } = request.headers;
    asked.push({ path: url.pathname + url.search, range, authorization });
    const refuse = (status: number, code: string): void => {
      response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
    };
    const signed = authorization?.startsWith(`AWS4-HMAC-SHA256 Credential=${accessKey}/`) === true;
    if (accessKey === undefined ? authorization !== undefined : !signed) return refuse(403, 'SignatureDoesNotMatch');
    const [, bucket, ...rest] = url.pathname.split('/').map(decodeURIComponent);
    if (bucket !== name) return refuse(404, 'NoSuchBucket');
    const key = rest.join('/');
    if (key === '') {
      const prefix = url.searchParams.get('prefix') ?? '';
      const keys = [...objects.keys()].filter((one) => one.startsWith(prefix)).sort();
      const from = Number(url.searchParams.get('continuation-token') ?? 0);
      const page = keys.slice(from, from + PAGE);
      const more = from + PAGE < keys.length;
      const contents = page.map((one) => {
        const encoded = encodeURIComponent(one).replaceAll('%2F', '/').replaceAll('%20', '+');
        return `<Contents><Key>${encoded}</Key><Size>${objects.get(one)?.length}</Size></Contents>`;
      });
      const next = more ? `<NextContinuationToken>${from + PAGE}</NextContinuationToken>` : '';
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(
        `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
      );
      return;
    }
    const bytes = objects.get(key);
    if (!bytes) return refuse(404, 'NoSuchKey');
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    if (start === undefined) response.writeHead(200).end(bytes);
    else if (Number(start) >= bytes.length) refuse(416, 'InvalidRange');
    else {
      const part = bytes.subarray(Number(start), Number(end) + 1);
      response.writeHead(206, {
        'content-range': `bytes ${start}-${Number(start) + part.length - 1}/${bytes.length}`,
      });
      response.end(part);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
