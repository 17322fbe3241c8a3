/** Options of every command that asks language models behind endpoints, and what they mean to the client. */
import type { Command } from 'commander';
import type { ChatSettings } from '../../data/llm/options.js';
import { BagpiperError } from '../../errors.js';
import { numberOf } from '../options.js';

export interface EndpointFlags {
  endpoint?: string;
  llmModel?: string;
  apiKey?: string;
  queue?: string;
  window?: number;
  timeout?: number;
  requestsPerMinute?: number;
  tokensPerMinute?: number;
  priceIn?: number;
  priceOut?: number;
  budget?: number;
  prompts?: string;
}

/** What differs in help texts. */
export interface EndpointWords {
  /** of `--endpoint`, which stands first */
  endpoint: string;
  window: string;
  prompts: string;
  /** whether there is no other way than an endpoint */
  required?: boolean;
}

export function withEndpoint(command: Command, words: EndpointWords): Command {
  const first = words.required
    ? command.requiredOption('--endpoint <url>', words.endpoint)
    : command.option('--endpoint <url>', words.endpoint);
  return first
    .option('--llm-model <name>', 'model at the endpoint (default: the only one there)')
    .option('--api-key <key>', 'default: BAGPIPER_API_KEY, else OPENAI_API_KEY of the environment')
    .option('--window <n>', words.window, numberOf('--window'))
    .option('--queue <url>', 'hand the work to workers behind this Redis (bagpiper data worker)')
    .option('--timeout <s>', 'seconds until an answer is there (default: 300)', numberOf('--timeout'))
    .option('--requests-per-minute <n>', 'at most, of one endpoint', numberOf('--requests-per-minute'))
    .option('--tokens-per-minute <n>', 'at most, of one endpoint', numberOf('--tokens-per-minute'))
    .option('--price-in <p>', 'of a million tokens read', numberOf('--price-in'))
    .option('--price-out <p>', 'of a million tokens written', numberOf('--price-out'))
    .option('--budget <b>', 'the most that the run may cost in all', numberOf('--budget'))
    .option('--prompts <dir>', words.prompts);
}

/** @throws BagpiperError where one price is given without the other */
export function chatSettings(endpoints: string, flags: EndpointFlags): ChatSettings {
  const { llmModel, timeout, requestsPerMinute, tokensPerMinute, budget } = flags;
  const prices = pricesOf(flags);
  return {
    endpoints,
    ...(llmModel !== undefined && { model: llmModel }),
    ...(timeout !== undefined && { timeout }),
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute }),
    ...(prices && { prices }),
    ...(budget !== undefined && { budget }),
  };
}

/** @throws BagpiperError where one price is given without the other */
export function pricesOf({ priceIn, priceOut }: EndpointFlags): ChatSettings['prices'] {
  if ((priceIn === undefined) !== (priceOut === undefined)) {
    throw new BagpiperError('--price-in and --price-out belong together; give both, as prices of a million tokens.');
  }
  return priceIn === undefined || priceOut === undefined ? undefined : { input: priceIn, output: priceOut };
}
