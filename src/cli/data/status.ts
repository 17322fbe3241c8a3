/** `bagpiper data status RUN`: how far its stages are. */
import { addUsage, manifestOf, noUsage } from '../../data/run/index.js';
import type { Context } from '../context.js';
import { countsLine, number } from './progress.js';

export async function dataStatus(folder: string, { json }: { json?: boolean }, { screen }: Context): Promise<void> {
  const manifest = manifestOf(folder);
  if (json) {
    await screen.result(JSON.stringify(manifest));
    return;
  }
  const stages = Object.entries(manifest.stages);
  if (stages.length === 0) await screen.result('Nothing has been done yet.');
  for (const [name, { state, counts, usage, dropped, cost }] of stages) {
    const spent = noUsage();
    addUsage(spent, usage);
    addUsage(spent, dropped ?? noUsage());
    const tokens = spent.total_tokens > 0 ? `; ${number(spent.total_tokens)} tokens` : '';
    const money = cost === undefined ? '' : `, cost ${cost.toFixed(2)}`;
    await screen.result(`${countsLine(name, counts)}${tokens}${money}${state === 'done' ? '' : ' (not complete)'}`);
  }
}
