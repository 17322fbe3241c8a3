/** A coordinator in a process of its own, to be killed: ADDRESS RUN RECORDS WINDOW SETTINGS. */
import { Coordinator } from '../../../src/data/queue/index.js';
import { inputsOf, Run, runStage } from '../../../src/data/run/index.js';
import { type Counting, countingSpec, countingStage, numbered } from './stages.js';

const [address, folder, records, window, settings] = process.argv.slice(2);
const spec = countingSpec(JSON.parse(settings) as Counting);
const run = await Run.open(folder, { create: true });
const coordinator = await Coordinator.open(address);
const executor = coordinator.executor(run.folder, spec);
await runStage(run, await countingStage(spec), inputsOf(numbered(Number(records))), {
  executor,
  window: Number(window),
});
await coordinator.close();
await run.close();
