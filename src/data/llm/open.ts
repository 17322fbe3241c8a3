/** Opens language models behind addresses. */
import { Endpoints, Http, listModels, mistake, type Surroundings, shown, surroundings } from '../../endpoints/index.js';
import { newDialect } from './body.js';
import { Budget } from './budget.js';
import { type ChatServer, OpenAiChat } from './client.js';
import { lookAt } from './metrics.js';
import { type ChatExtras, type ChatPlan, type ChatSettings, chatPlan } from './options.js';
import type { Place } from './place.js';
import { Pool } from './pool.js';

/** Seconds until a server has listed its models. */
const OPENING = 20;

/**
 * Opens a language model for a stage. No server is asked before the first request, but for its name where none is given.
 *
 * @throws BagpiperError where a setting makes no sense, or it is not clear which model is meant; a ServerError where no server
 *   lists its models
 */
export async function openChat(settings: ChatSettings, extras: ChatExtras = {}): Promise<OpenAiChat> {
  const plan = chatPlan(settings, extras);
  const { around = surroundings(), signal = new AbortController().signal, spent } = extras;
  const { apiKey, timeouts } = plan;
  const http = new Http({ apiKey, timeouts }, around.timer);
  const servers = plan.bases.map((base): ChatServer => ({ base, where: shown(base), dialect: newDialect() }));
  try {
    const model = plan.model ?? (await onlyModel(http, servers, plan, around, signal));
    const pool = new Pool(servers, plan, around);
    const chat = new OpenAiChat(
      model,
      http,
      pool,
      new Budget(plan.prices, plan.budget, spent),
      plan.timeout,
      around.now,
    );
    if (plan.metricsEvery > 0) {
      for (const place of pool.places) void watch(http, place, plan.metricsEvery, around, chat.closed);
    }
    return chat;
  } catch (error) {
    await http.close();
    throw error;
  }
}

/** The model that a server lists, if it lists one alone. */
async function onlyModel(
  http: Http,
  servers: readonly ChatServer[],
  { retry }: ChatPlan,
  around: Surroundings,
  signal: AbortSignal,
): Promise<string> {
  const work = async ({ base, where }: ChatServer): Promise<string> => {
    const names = (await listModels(http, base, OPENING, signal)).map(({ name }) => name);
    if (names.length === 1) return names[0];
    const what = names.length === 0 ? 'lists no model' : `has several models (${names.slice(0, 8).join(', ')})`;
    throw mistake(where, `it ${what}; name one with --llm-model.`, 'elsewhere');
  };
  return new Endpoints(servers, retry, around).run(work, signal);
}

async function watch(
  http: Http,
  place: Place<ChatServer>,
  seconds: number,
  around: Surroundings,
  closed: AbortSignal,
): Promise<void> {
  try {
    while (await lookAt(http, place, closed)) await around.sleep(seconds, closed);
  } catch {
    // The client has been closed.
  }
}
