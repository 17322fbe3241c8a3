/** A process that lists and labels sounds once it is told to, and may be killed at any moment. */
import { once } from 'node:events';
import { openLabeller } from '../../../src/data/label/index.js';
import { Run, resultsIn, runStage } from '../../../src/data/run/index.js';
import { FileStage, Places, soundsOf, sourcesOf, writeClips } from '../../../src/data/source/index.js';

const [folder, sounds, settings] = process.argv.slice(2);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const run = await Run.open(folder, { create: true });
const files = new FileStage({ maxSeconds: 1 });
await runStage(run, files, soundsOf(sourcesOf([sounds]), new Places()), { window: 3 });
await writeClips(run);
const labeller = await openLabeller(JSON.parse(settings));
await runStage(run, labeller, resultsIn(run.file('clips')), { window: 8, identity: labeller.identity });
await labeller.close();
await run.close();
process.stdin.destroy();
process.exitCode = run.entry('label').state === 'done' ? 0 : 1;
