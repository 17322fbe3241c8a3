/** How the scripted endpoint fails. */
import type { ServerResponse } from 'node:http';
import type { Fault } from './scripted-endpoint.js';

export function send(
  response: ServerResponse,
  status: number,
  json: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json));
}

/** @param body the right answer, as JSON */
export function fail(response: ServerResponse, fault: Fault, body: string, headers: Record<string, string>): void {
  // In the middle of the model's text.
  const half = body.slice(0, Math.floor(body.length / 2));
  const begin = (length: number): void => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': length, ...headers });
  };
  switch (fault.kind) {
    case 'status': {
      const { status, message = `scripted ${status}` } = fault;
      const error = { message, type: 'scripted', param: null, code: String(status) };
      send(response, status, { error }, { ...headers, ...fault.headers });
      return;
    }
    case 'cut':
      begin(Buffer.byteLength(body));
      response.write(half, () => setImmediate(() => response.socket?.destroy()));
      return;
    case 'half':
      begin(Buffer.byteLength(half));
      response.end(half);
      return;
    case 'stall':
      begin(Buffer.byteLength(body));
      response.write(half);
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'odd':
      send(response, 200, { object: 'list', data: [] });
      return;
    case 'page':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>');
      return;
    case 'hang':
    case 'slow':
    case 'length':
  }
}
