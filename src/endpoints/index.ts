/**
 * endpoints/: servers that are asked over HTTP. Addresses, one exchange watched by clocks, what can go wrong as one sentence
 * each and whether trying again makes sense, several servers in turn, and the OpenAI-compatible answers as far as all who
 * ask need them. The engine at a server (engine/remote) and the data workflows (data/llm) stand on it.
 */
export { below, isAddress, parseAddresses, shown } from './address.js';
export { type Completion, parseCompletion, parseJson, textOf, wholeText } from './completion.js';
export { backoff, Endpoint, Endpoints } from './endpoints.js';
export {
  type Again,
  Failure,
  type FailureDetails,
  type FailureKind,
  fault,
  mistake,
  statusFailure,
} from './failure.js';
export { type Call, Http, type HttpAnswer, type HttpSettings } from './http.js';
export { durationOf, type Header, pauseOf, secondsOf, waitOf } from './limits.js';
export { getJson, listModels, type ServerModel } from './models.js';
export {
  apiKeyFrom,
  checkRetry,
  checkSetting,
  checkTimeouts,
  given,
  RETRY,
  type RetryOptions,
  type SilenceOptions,
} from './options.js';
export { type Surroundings, surroundings } from './surroundings.js';
