/** A process that pulls and can be killed: `child.ts HOME ENDPOINT`. */
import { pullModel } from '../../../src/weights/hub/index.js';

const [home, endpoint] = process.argv.slice(2);
const pace = { attempts: 3, backoff: 5, silence: 10_000, chunk: 16_384 };
await pullModel('espnet/bagpiper-sft', {
  env: { HOME: home, HF_ENDPOINT: endpoint },
  pace,
  jobs: 4,
});
