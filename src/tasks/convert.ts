/** Conversion of checkpoints as the library offers it; the work is done by convert-model.ts, which is loaded when first used. */
import type { PullOptions } from '../weights/hub/index.js';
import type { ConvertedModel, ConvertModelOptions } from './conversion.js';

/**
 * Converts a checkpoint into a model folder. Stopped or killed, it goes on where it was when it is called again with the same
 * arguments; the folder appears under its name when it is complete.
 *
 * @param input a torch or safetensors file, a folder with weights (docs/weights.md), or the name of a pulled model
 * @param out the folder to make
 * @throws BagpiperError for an option there is not, a tensor that is missing, unknown or misshaped, a tokenizer that is
 *   missing or of another model, a place that is taken, a full disk; the signal's reason
 */
export async function convertModel(
  input: string,
  out: string,
  options: ConvertModelOptions = {},
): Promise<ConvertedModel> {
  const work = await import('./convert-model.js');
  return work.convertModel(input, out, options);
}

/**
 * A conversion for {@link PullOptions.convert}, so that a model is pulled and converted in one call. A place that holds the
 * wanted result already is left as it is.
 */
export function conversionTo(
  format: 'q8' | 'q4',
  options: Omit<ConvertModelOptions, 'quantize' | 'signal'> = {},
): NonNullable<PullOptions['convert']> {
  return {
    format,
    run: async (from, to, signal) => {
      const work = await import('./convert-model.js');
      const wanted = { ...options, quantize: format, signal };
      if (!work.isConverted(from, to, wanted)) await work.convertModel(from, to, wanted);
    },
  };
}
