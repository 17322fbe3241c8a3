/** What can be set about the language models that stages ask, and the defaults. */
import {
  apiKeyFrom,
  checkRetry,
  checkSetting,
  checkTimeouts,
  given,
  parseAddresses,
  RETRY,
  type RetryOptions,
  type SilenceOptions,
  type Surroundings,
} from '../../endpoints/index.js';
import { BagpiperError } from '../../errors.js';
import type { Usage } from '../types.js';

/** US dollars (or whatever is paid in) for a million tokens. */
export interface Prices {
  input: number;
  output: number;
}

/** All that JSON can hold, as it stands in a stage's settings. */
export interface ChatSettings {
  /** an address, or several with commas between: `http://a:8000/v1,http://b:8000/v1` */
  endpoints: string;
  /** the model's name at the servers; default: the only one that they list */
  model?: string;
  /** requests that one endpoint works on at once, at most; default 256 */
  concurrency?: number;
  /** what one endpoint is asked in a minute, at most; default: no limit but the server's own */
  requestsPerMinute?: number;
  tokensPerMinute?: number;
  /** seconds until an answer begins, which is when all of it is made; default 300 */
  timeout?: number;
  /** seconds between two pieces of an answer; default 60 */
  idle?: number;
  /** as for any server; `times` are new tries after failures, being told to wait does not count; default 3 */
  retry?: Partial<RetryOptions>;
  /** seconds without one good answer, or of being told to wait, after which everything is given up; default 900 */
  patience?: number;
  prices?: Prices;
  /** the most that may be spent, all earlier parts of the run included; needs `prices` */
  budget?: number;
  /** seconds between looks at vLLM's `/metrics`, which tell of other clients' requests; default 0, never */
  metricsEvery?: number;
}

/** What does not go into settings. */
export interface ChatExtras {
  /** default: the environment's BAGPIPER_API_KEY, else OPENAI_API_KEY */
  apiKey?: string;
  /** tokens of earlier parts of the run */
  spent?: Usage;
  /** ends the opening */
  signal?: AbortSignal;
  /** tests put their own in place */
  around?: Surroundings;
}

/** {@link ChatSettings} with everything decided. */
export interface ChatPlan {
  bases: URL[];
  model: string | undefined;
  apiKey: string | undefined;
  concurrency: number;
  requestsPerMinute: number;
  tokensPerMinute: number;
  timeout: number;
  timeouts: SilenceOptions;
  retry: RetryOptions;
  patience: number;
  prices: Prices | undefined;
  budget: number;
  metricsEvery: number;
}

/** @throws BagpiperError for a setting that makes no sense */
export function chatPlan(settings: ChatSettings, { apiKey }: ChatExtras = {}): ChatPlan {
  const {
    endpoints,
    model,
    concurrency = 256,
    requestsPerMinute = Number.POSITIVE_INFINITY,
    tokensPerMinute = Number.POSITIVE_INFINITY,
    timeout = 300,
    idle = 60,
    patience = 900,
    prices,
    budget = Number.POSITIVE_INFINITY,
    metricsEvery = 0,
  } = settings;
  const retry = { ...RETRY, ...given(settings.retry) };
  const timeouts = { connect: 10, idle };
  if (model !== undefined && model.trim() === '') {
    throw new BagpiperError("The model's name is empty; write it as the server lists it, or leave it out.");
  }
  const whole = Number.isInteger(concurrency) && concurrency >= 1;
  checkSetting('The number of requests at once', concurrency, whole && concurrency <= 65_536);
  checkRate('requests', requestsPerMinute);
  checkRate('tokens', tokensPerMinute);
  checkTimeouts({ timeout, idle, patience });
  checkSetting('The time between looks at /metrics', metricsEvery, metricsEvery >= 0);
  checkRetry(retry);
  checkMoney(prices, budget);
  return {
    bases: parseAddresses(endpoints),
    model,
    apiKey: apiKeyFrom(apiKey),
    concurrency,
    requestsPerMinute,
    tokensPerMinute,
    timeout,
    timeouts,
    retry,
    patience,
    prices,
    budget,
    metricsEvery,
  };
}

function checkRate(what: string, rate: number): void {
  if (rate >= 1) return;
  throw new BagpiperError(`The number of ${what} a minute is ${rate}; 1 or more is accepted.`);
}

function checkMoney(prices: Prices | undefined, budget: number): void {
  for (const [name, price] of Object.entries(prices ?? {})) {
    if (price >= 0 && Number.isFinite(price)) continue;
    throw new BagpiperError(`The price of ${name} tokens is ${price}; the price of a million is accepted, 0 or more.`);
  }
  if (!(budget >= 0)) throw new BagpiperError(`The budget is ${budget}; a positive amount is accepted.`);
  if (budget === Number.POSITIVE_INFINITY || prices) return;
  throw new BagpiperError('A budget needs prices; give what a million tokens cost, in and out.');
}
