/** How many tokens a request will take: guessed by its length at first, then by what earlier ones took. */
import type { Usage } from '../types.js';
import type { Expected } from './budget.js';
import type { ChatRequest } from './types.js';

/** Characters of a token in running English. */
const CHARACTERS = 4;
/** Tokens of a sound of 30 s, as captioners of the Qwen3-Omni kind count them. */
const SOUND = 400;
/** Tokens of an answer where the request sets no limit. */
const ANSWER = 1024;
/** Weight of the newest observation. */
const NEW = 0.05;

export class Expectation {
  private sound = SOUND;
  private answer: number | undefined;

  of(request: ChatRequest): Expected {
    const { characters, sounds } = sizeOf(request);
    const { maxTokens = ANSWER } = request;
    const prompt = Math.ceil(characters / CHARACTERS + sounds * this.sound);
    return { prompt, completion: Math.ceil(Math.min(maxTokens, this.answer ?? maxTokens)) };
  }

  learn(request: ChatRequest, { prompt_tokens: prompt, completion_tokens: completion }: Usage): void {
    if (completion > 0) this.answer = mix(this.answer ?? completion, completion);
    const { characters, sounds } = sizeOf(request);
    if (sounds > 0 && prompt > 0) this.sound = mix(this.sound, Math.max(0, prompt - characters / CHARACTERS) / sounds);
  }
}

const mix = (old: number, now: number): number => old + NEW * (now - old);

function sizeOf({ messages }: ChatRequest): { characters: number; sounds: number } {
  const size = { characters: 0, sounds: 0 };
  for (const { content } of messages) {
    for (const part of typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content) {
      if (part.type === 'text') size.characters += part.text.length;
      else size.sounds++;
    }
  }
  return size;
}
