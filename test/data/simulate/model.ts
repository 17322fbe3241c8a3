/** A model that answers every prompt of simulation well, unless told otherwise: no network, no weights. */
import type { ChatClient, ChatRequest } from '../../../src/data/llm/types.js';
import { PromptBook } from '../../../src/data/simulate/prompts.js';
import type { StepContext, Tools } from '../../../src/data/simulate/types.js';
import { type Scene, sceneIn } from './scenes.js';

/** What is asked, as the good model sees it. */
export interface Prompted {
  /** all messages' text */
  text: string;
  /** the first user message */
  first: string;
  /** name of the reply's schema, '' for free text */
  schema: string;
  /** the same is asked again, with what was wrong */
  repair: boolean;
}

/** The good reply to any prompt of simulation. */
export function goodReply({ text, first, schema }: Prompted): string {
  const scene = sceneIn(first);
  const json = JSON.stringify;
  switch (schema) {
    case 'persona':
      return json({ persona: scene.persona });
    case 'requests':
      return json({ realistic: scene.realistic, imaginary: scene.imaginary });
    case 'annotation':
      return json(scene.annotation);
    case 'questions':
      return json({ questions: questionsOf(scene, first) });
    case 'answer':
      return json({ ...scene.items, answer: 'It is as the clip has it. One hears it clearly from the beginning on.' });
    case 'voices':
      return json(scene.voices);
    case 'applications':
      return json({ applications: [...first.matchAll(/^- (.*)$/gm)].slice(0, 3).map((match) => match[1]) });
    case 'rating':
      return json({ rating: 5 });
    case 'dialogue':
      return json(dialogueOf(scene));
    case 'judgement':
      return json(judgement(text, 4));
    default:
      return freeReply(scene, first, text);
  }
}

function questionsOf(scene: Scene, prompt: string): unknown[] {
  return [...prompt.matchAll(/^\d+\. (simple|compositional)_(qa|q), about:/gm)].map(([, size, kind]) => {
    const { question, answer } = size === 'simple' ? scene.simple : scene.compositional;
    return { question, answer: kind === 'qa' ? answer : null };
  });
}

function dialogueOf({ voices }: Scene): unknown {
  const [one, two] = voices?.turns ?? [];
  return {
    request: `In a kitchen at breakfast, an older man with a flat voice asks '${one?.words}' and then a girl who is amused answers '${two?.words}'`,
    traits: [
      { speaker: 'S1', phrase: 'an older man with a flat voice' },
      { speaker: 'S2', phrase: 'a girl who is amused' },
    ],
  };
}

/** All dimensions of the rubric in a judge's prompt, scored alike. */
export function judgement(
  prompt: string,
  score: number,
): Record<string, Record<string, { score: number; flaws: null }>> {
  const scores: Record<string, Record<string, { score: number; flaws: null }>> = {};
  let category = '';
  const rubric = prompt.slice(prompt.indexOf('Dimensions:'), prompt.indexOf('Example:'));
  for (const line of rubric.split('\n')) {
    const heading = /^(\w+):$/.exec(line)?.[1];
    if (heading && heading !== 'Dimensions') {
      category = heading;
      scores[category] = {};
    }
    const dimension = /^- (\w+):/.exec(line)?.[1];
    if (dimension) scores[category]![dimension] = { score, flaws: null };
  }
  return scores;
}

function freeReply(scene: Scene, prompt: string, text: string): string {
  if (prompt.includes('1. User Intent:')) return `<think>\n${scene.thinking}\n</think>`;
  const labels = [...prompt.matchAll(/^Part [ABC] - .*:$/gm)].map(([label]) => label);
  if (labels.length > 0) {
    const inferred = prompt.includes('Inferred text:') ? `Inferred text: ${scene.voices?.turns[0]?.words}\n` : '';
    return labels
      .map((label, at) => `**${label}** They want it plain and near.\n${at === 1 ? inferred : ''}`)
      .join('\n');
  }
  if (prompt.includes('at the start of the request'))
    return '[TEXT] is what a worried young woman should say, quickly.';
  if (prompt.includes('at the middle of the request')) return 'Let a worried young woman say [TEXT] in a quick voice.';
  if (prompt.includes('at the end of the request')) return 'Let a worried young woman say quickly: [TEXT]';
  if (prompt.includes('Write "REQUEST:"'))
    return 'Sure.\nREQUEST: For my listeners, say [TEXT] like a worried young woman.';
  if (prompt.includes('Write a persona')) {
    return 'I have stood on this platform since the lamps went on, counting bags and children, and there is not much time left for any of us. [TEXT]';
  }
  if (prompt.includes('Write one request from which')) {
    return 'My sister dawdles on the platform while the clock runs, and I must get her moving without scaring the children.';
  }
  if (prompt.includes('[LYRICS]')) return 'A slow piano ballad, please, with a husky man singing [LYRICS] at home.';
  throw new Error(`no reply to: ${text.slice(0, 300)}`);
}

/** Changes a good reply; undefined leaves it. */
export type Spoil = (asked: Prompted, good: string) => string | { text: string; finish: string } | undefined;

/** A client in this process. `asked` keeps every request. */
export class ScriptedClient implements ChatClient {
  readonly model = 'script';
  readonly asked: (Prompted & { request: ChatRequest })[] = [];

  constructor(public spoil: Spoil = () => undefined) {}

  async chat(request: ChatRequest, signal: AbortSignal) {
    signal.throwIfAborted();
    const texts = request.messages.map(({ content }) => String(content));
    const first = String(request.messages.find(({ role }) => role === 'user')?.content);
    const asked = {
      text: texts.join('\n'),
      first,
      schema: request.schema?.name ?? '',
      repair: texts.length > 2,
    };
    this.asked.push({ request, ...asked });
    const good = goodReply(asked);
    const said = this.spoil(asked, good) ?? good;
    const { text, finish } = typeof said === 'string' ? { text: said, finish: 'stop' } : said;
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    return { text, finishReason: finish, usage, model: this.model };
  }

  async close(): Promise<void> {}
}

export function toolsWith(client: ChatClient, seed = 1): Tools {
  return { client, prompts: new PromptBook(), seed };
}

export function context(): StepContext & { spent: number } {
  const counted = { signal: new AbortController().signal, spent: 0, spend: () => {} } as StepContext & {
    spent: number;
  };
  counted.spend = ({ total_tokens }) => {
    counted.spent += total_tokens;
  };
  return counted;
}
