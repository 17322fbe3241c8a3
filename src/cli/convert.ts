/** `bagpiper convert IN OUT`: a checkpoint made into a model folder. On stdout goes the folder. */
import type { ConvertEvent, ConvertModelOptions } from '../tasks/conversion.js';
import { convertModel } from '../tasks/convert.js';
import { sizeText } from '../weights/hub/index.js';
import type { Context } from './context.js';
import type { Screen } from './screen.js';

export interface ConvertFlags {
  quantize?: string;
  block?: number;
  headBits?: number;
  config?: string;
  /** false: `--no-tokenizer` */
  tokenizer?: string | boolean;
  json?: boolean;
}

export async function convert(
  input: string,
  out: string,
  flags: ConvertFlags,
  { screen, signal }: Context,
): Promise<void> {
  const { quantize, block, headBits, config, tokenizer, json } = flags;
  const given = { quantize, block, headBits, config, tokenizer: tokenizer === true ? undefined : tokenizer };
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const began = performance.now();
  try {
    const converted = await convertModel(input, out, {
      // What is wrong with a value is said by convertModel.
      ...(options as ConvertModelOptions),
      signal,
      onEvent: (event) => showConversion(event, screen),
    });
    screen.clearProgress();
    const kept = converted.kept > 0 ? `; ${converted.kept} tensors were there from an earlier run` : '';
    const seconds = (performance.now() - began) / 1000;
    screen.note(`${sizeText(converted.bytes)} in ${seconds.toFixed(0)} s${kept}.`);
    await screen.result(json ? JSON.stringify(converted) : out);
  } finally {
    screen.clearProgress();
    if (signal.aborted) screen.note('What is done is kept; the same command goes on from there.');
  }
}

/** Tells onlookers of a conversion. */
export function showConversion(event: ConvertEvent, screen: Screen): void {
  if (event.type === 'planned') {
    const groups = event.groups.map(
      ({ name, tensors, parameters }) => `${name} ${tensors} (${parameters.toLocaleString('en-US')} numbers)`,
    );
    screen.note(`Tensors: ${groups.join(', ')}.`);
    for (const name of event.dropped) {
      screen.note(`${name} is left out: weights of the training loss, which no network reads.`);
    }
    return;
  }
  const { tensor, done, total, kept } = event;
  screen.progress(`${kept ? 'Kept' : 'Converted'} ${sizeText(done)} of ${sizeText(total)}: ${tensor}`);
}
