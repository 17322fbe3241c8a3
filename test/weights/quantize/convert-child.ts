/** A process that converts the reference language model into 4 bits and kills itself after some tensors. */
import { languageModelTensors, parseConfig } from '../../../src/model/index.js';
import { storagePlan } from '../../../src/model/storage.js';
import { convertTensors, openCheckpoint, readJsonFile } from '../../../src/weights/index.js';

const [folder, out, count] = process.argv.slice(2);
const checkpoint = openCheckpoint(folder);
const config = parseConfig(readJsonFile(`${folder}/config.json`), folder);
const tensors = new Map([...checkpoint.tensors].filter(([name]) => name !== 'vocab_weight'));
const plan = storagePlan(tensors, languageModelTensors(config), { quantize: 'q4', block: 64, headBits: 8 });
let done = 0;
await convertTensors(checkpoint, {
  out,
  tensors: plan,
  noteBytes: 0,
  progress: () => {
    if (++done === Number(count)) process.kill(process.pid, 'SIGKILL');
  },
});
