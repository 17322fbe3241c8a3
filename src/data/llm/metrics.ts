/** What vLLM says of its load: `GET /metrics`, one address up from the API. */
import { Failure, type Http, wholeText } from '../../endpoints/index.js';
import type { ChatServer } from './client.js';
import type { Place } from './place.js';

/** Seconds that the page may take. */
const PATIENCE = 10;

/** Requests at work and waiting at a server, of all its clients. */
export interface ServerLoad {
  running: number;
  waiting: number;
}

/** Takes vLLM's gauges out of a page in Prometheus' format; several engines of one server are added up. */
export function loadIn(page: string): ServerLoad | undefined {
  const sum = (name: string): number | undefined => {
    const values = [...page.matchAll(new RegExp(`^vllm:num_requests_${name}(?:\\{[^}]*\\})?\\s+([0-9.eE+]+)`, 'gm'))];
    return values.length === 0 ? undefined : values.reduce((all, [, value]) => all + Number(value), 0);
  };
  const [running, waiting] = [sum('running'), sum('waiting')];
  return running === undefined || waiting === undefined ? undefined : { running, waiting };
}

/**
 * Looks once. Requests beyond ours are other clients'.
 *
 * @returns whether it is worth looking again
 * @throws the signal's reason
 */
export async function lookAt(http: Http, place: Place<ChatServer>, signal: AbortSignal): Promise<boolean> {
  const { base, where } = place.server;
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/v1$/, '')}/metrics`;
  try {
    const answer = await http.send(url, { where, firstByte: PATIENCE, signal });
    const load = loadIn(await wholeText(answer));
    if (load) place.others = Math.max(0, load.running + load.waiting - place.running);
    return load !== undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    place.others = 0;
    return error.details.missing !== true;
  }
}
