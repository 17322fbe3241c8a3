/** Opens servers as an engine. */
import { setTimeout as delay } from 'node:timers/promises';
import { Endpoints, Http, parseAddresses, shown, surroundings } from '../../endpoints/index.js';
import { BagpiperError } from '../../errors.js';
import type { Engine, EngineInfo } from '../types.js';
import { type RemoteOptions, remoteSettings } from './options.js';
import { askTarget, type Server } from './probe.js';
import { promptsFor } from './prompts.js';
import { RemoteEngine } from './remote.js';
import { CODEBOOKS, HOP, SOUND, type Target, TEXT } from './request.js';

/** The longest clip in seconds that published models were trained on. */
const MOST_SECONDS = 30;
/** Seconds that servers get once one of them has answered. */
const GRACE = 2;

function infoOf(servers: readonly Server[], { kind, model }: Target): EngineInfo {
  return {
    source: servers.map(({ where }) => where).join(','),
    name: model,
    hash: '',
    parameters: 0,
    threads: 0,
    codec: kind === 'bagpiper' ? { hop: HOP, codebooks: CODEBOOKS } : null,
    maxInputSeconds: MOST_SECONDS,
    text: TEXT,
    audio: SOUND,
    prompts: promptsFor(kind),
    soundNeedsText: true,
  };
}

/**
 * Opens servers of one model: asks each what it runs. One that answers is enough; the others are asked again later.
 *
 * @param source an address, or several with commas between
 * @throws BagpiperError where an address or an option is wrong or servers run different models; a ServerError where none answers
 */
export async function openRemoteEngine(source: string, options: RemoteOptions = {}): Promise<Engine> {
  const settings = remoteSettings(options);
  const servers: Server[] = parseAddresses(source).map((base) => ({ base, where: shown(base) }));
  const http = new Http(settings);
  const { signal = new AbortController().signal } = options;
  try {
    const endpoints = new Endpoints(servers, settings.retry, surroundings());
    const meet = async (server: Server): Promise<void> => {
      server.target = await askTarget(http, server, settings, signal);
    };
    if (servers.length > 1) await meetAll(servers, meet);
    // Nobody there yet, or only one: now with patience.
    if (!servers.some(({ target }) => target)) await endpoints.run(meet, signal);
    return new RemoteEngine(http, endpoints, settings, infoOf(servers, sameTarget(servers)));
  } catch (error) {
    await http.close();
    throw error;
  }
}

/** Asks all at once; when one has answered the others get a little longer, so that one that is away holds up nobody. */
async function meetAll(servers: readonly Server[], meet: (server: Server) => Promise<void>): Promise<void> {
  const meetings = servers.map(meet);
  const enough = new AbortController();
  const all = Promise.allSettled(meetings);
  await Promise.any(meetings).catch(() => {});
  await Promise.race([all, delay(GRACE * 1000, undefined, { signal: enough.signal }).catch(() => {})]);
  enough.abort();
}

/** The model of all servers that have answered. @throws BagpiperError where they run different ones */
function sameTarget(servers: readonly Server[]): Target {
  const [first, ...others] = servers.flatMap(({ where, target }) => (target ? [{ where, target }] : []));
  const other = others.find(({ target }) => target.model !== first.target.model);
  if (!other) return first.target;
  throw new BagpiperError(
    `${first.where} runs ${first.target.model}, ${other.where} runs ${other.target.model}; name one model with --server-model, or leave out a server.`,
  );
}
