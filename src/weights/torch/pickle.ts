/**
 * Reads pickles (Python's pickletools.py describes them) as far as state dicts need them: the instructions that
 * `torch.save` emits in protocols 2 to 5. Whatever a pickle wants to import or call is decided by the caller's
 * {@link Python}; nothing here executes anything. The work is linear in the pickle's length, and what it builds is
 * bounded, since pickles come from anywhere.
 */
import { BINARY, INSTRUCTIONS, type Instruction, nameOfInstruction } from './instructions.js';
import { type Python, Unpickler } from './machine.js';
import type { Value } from './values.js';
import type { Fail } from './zip.js';

const HIGHEST_PROTOCOL = 5;

/**
 * The one value that a pickle describes.
 *
 * @throws BagpiperError (from `fail` or `python`) where the pickle is damaged, too large, or wants what is not allowed.
 */
export function unpickle(bytes: Uint8Array, python: Python, fail: Fail): Value {
  const machine = new Unpickler(bytes, python, fail);
  if (machine.u8() !== BINARY) throw fail('its data.pkl is no binary pickle');
  const protocol = machine.u8();
  if (protocol < 2 || protocol > HIGHEST_PROTOCOL) {
    throw fail(`its data.pkl is a pickle of protocol ${protocol}; 2 to ${HIGHEST_PROTOCOL} are accepted`);
  }
  while (machine.result === undefined) {
    const code = machine.u8();
    const run: Instruction | undefined = INSTRUCTIONS.get(code);
    if (run === undefined) {
      throw fail(`its data.pkl has the pickle instruction ${nameOfInstruction(code)}, which state dicts never need`);
    }
    run(machine);
  }
  return machine.result;
}
