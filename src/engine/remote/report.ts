/** What servers are, for people who look before they ask. */
import { Failure, Http, listModels, parseAddresses, type ServerModel, shown } from '../../endpoints/index.js';
import type { BagpiperError } from '../../errors.js';
import { type RemoteOptions, remoteSettings, type ServerKind } from './options.js';
import { chooseModel, versionOf } from './probe.js';

/** A server as it answered now. */
export interface ServerReport {
  address: string;
  /** its models as it lists them */
  models: ServerModel[];
  /** the model that would be used */
  model?: string;
  /** how it would be spoken to */
  kind?: ServerKind;
  /** of vLLM; missing with other servers */
  version?: string;
  /** milliseconds until it had listed its models */
  milliseconds: number;
  /** why it cannot be used */
  error?: BagpiperError;
}

/** Asks each server once, all at the same time. @throws BagpiperError where an address or an option is wrong */
export async function reportServers(source: string, options: RemoteOptions = {}): Promise<ServerReport[]> {
  const settings = remoteSettings(options);
  const bases = parseAddresses(source);
  const http = new Http(settings);
  const { signal = new AbortController().signal } = options;
  const report = async (base: URL): Promise<ServerReport> => {
    const address = shown(base);
    const began = performance.now();
    const found: ServerReport = { address, models: [], milliseconds: 0 };
    try {
      found.models = await listModels(http, base, settings.timeouts.opening, signal);
      found.milliseconds = performance.now() - began;
      const version = await versionOf(http, base, settings, signal);
      if (version !== undefined) found.version = version;
      Object.assign(found, nameAndKind(chooseModel(address, found.models, settings)));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      found.error = error.error;
    }
    return found;
  };
  try {
    return await Promise.all(bases.map(report));
  } finally {
    await http.close();
  }
}

const nameAndKind = ({ model, kind }: { model: string; kind: ServerKind }) => ({ model, kind });
