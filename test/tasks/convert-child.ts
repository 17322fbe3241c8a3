/** A process that converts a checkpoint and kills itself after some tensors. */
import { convertModel } from '../../src/tasks/index.js';

const [input, out, count] = process.argv.slice(2);
let done = 0;
await convertModel(input, out, {
  onEvent: ({ type }) => {
    if (type === 'progress' && ++done === Number(count)) process.kill(process.pid, 'SIGKILL');
  },
});
