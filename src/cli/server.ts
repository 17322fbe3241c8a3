/** What `info` and `doctor` say of servers. */
import { reportServers, type ServerReport } from '../engine/index.js';
import { ServerError } from '../errors.js';
import type { Context } from './context.js';
import { EXIT, report as failureOf } from './failure.js';
import { type Finding, finding } from './finding.js';
import { type ServerFlags, serverOptions } from './options.js';

const KINDS = {
  bagpiper: "Bagpiper behind ESPnet's vLLM: describe, ask, render",
  openai: 'OpenAI-compatible: describe and ask where the model hears, render where it makes sound',
};

/** Every server's block; the exit code tells when one of them cannot be used. */
export async function serverInfo(
  source: string,
  flags: ServerFlags & { json?: boolean },
  context: Context,
): Promise<void> {
  const { screen, signal } = context;
  const reports = await reportServers(source, serverOptions(flags, context));
  const usable = reports.filter(({ error }) => !error);
  if (flags.json) {
    const plain = reports.map(({ error, ...rest }) => ({ ...rest, ...(error ? { error: error.message } : {}) }));
    await screen.result(JSON.stringify(plain.length === 1 ? plain[0] : plain));
  } else if (usable.length > 0) await screen.result(usable.map(table).join('\n\n'));
  for (const { error } of reports) {
    if (error && !flags.json) context.fail(failureOf(error, screen, signal));
    else if (error) context.fail(error instanceof ServerError ? EXIT.server : EXIT.badInput);
  }
}

function table({ address, version, model, kind, models, milliseconds }: ServerReport): string {
  const chosen = models.find(({ name }) => name === model);
  const lines: [string, string][] = [
    ['server', address],
    ['software', version === undefined ? 'not told' : `vLLM ${version}`],
    ['model', `${model}${chosen?.root && chosen.root !== model ? ` (${chosen.root})` : ''}`],
    ...(models.length > 1 ? [['all models', models.map(({ name }) => name).join(', ')] as [string, string]] : []),
    ['longest row', chosen?.longest === undefined ? 'not told' : `${chosen.longest.toLocaleString('en-US')} tokens`],
    ['spoken to as', KINDS[kind!]],
    ['answered in', `${milliseconds.toFixed(0)} ms`],
  ];
  return lines.map(([label, value]) => label.padEnd(16) + value).join('\n');
}

/** One finding a server. */
export async function serverFindings(source: string, flags: ServerFlags, context: Context): Promise<Finding[]> {
  const reports = await reportServers(source, serverOptions(flags, context));
  return reports.map(({ address, model, kind, version, error }) => {
    if (error) return finding('server', 'fail', error.message.replace(/\.$/, ''));
    const software = version === undefined ? '' : `, vLLM ${version}`;
    const found = `${address}${software}, model ${model}`;
    if (kind === 'bagpiper') return finding('server', 'ok', found);
    return finding('server', 'warn', found, 'this is no Bagpiper: what it hears and makes depends on that model');
  });
}
