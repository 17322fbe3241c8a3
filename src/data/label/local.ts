/** Captions from a model that runs here, as `bagpiper describe` makes them. */
import type { Bagpiper } from '../../tasks/index.js';
import { Listener } from '../source/index.js';
import {
  type Clip,
  type JsonObject,
  type Label,
  RecordError,
  type Stage,
  type StageContext,
  type StageSpec,
} from '../types.js';
import { unreadable } from './endpoint.js';

export interface LocalLabels {
  by: 'local';
  /** model folder, or the name of a pulled model; default: the small model of this package */
  model?: string;
  threads?: number;
  /** of the text; 0 takes the likeliest */
  temperature?: number;
  seed?: number;
}

/** What labels of a model are known by. */
export function localIdentity(
  { temperature, seed = 0 }: LocalLabels,
  { name, hash }: { name: string; hash: string },
): JsonObject {
  return { by: 'local', model: `${name} ${hash}`, seed, ...(temperature === undefined ? {} : { temperature }) };
}

export const localSpec = (settings: LocalLabels): StageSpec => ({
  stage: 'label',
  settings: { ...settings } as unknown as JsonObject,
});

export class LocalLabeller implements Stage<Clip, Label> {
  readonly spec;
  readonly hears = true;
  readonly identity: JsonObject;

  constructor(
    private readonly settings: LocalLabels,
    private readonly bagpiper: Bagpiper,
    private readonly listener = new Listener(),
  ) {
    this.spec = localSpec(settings);
    this.identity = localIdentity(settings, bagpiper.info);
  }

  async process(clip: Clip, { signal, spend }: StageContext): Promise<Label> {
    const { temperature, seed = 0 } = this.settings;
    const samples = await this.listener.samples(clip.audio, signal).catch((error: unknown) => {
      throw unreadable(error, signal);
    });
    const reply = this.bagpiper.describe(samples, {
      seed,
      signal,
      ...(temperature === undefined ? {} : { temperature }),
    });
    const { caption, stats, warnings } = await reply;
    const usage = {
      prompt_tokens: stats.promptRows,
      completion_tokens: stats.textTokens,
      total_tokens: stats.promptRows + stats.textTokens,
    };
    spend(usage);
    const { id, seconds: duration } = clip;
    if (caption.trim() === '') throw new RecordError({ kind: 'empty', message: 'The model says nothing.' });
    const cut = warnings.some((text) => text.includes('longest length'));
    const model = this.bagpiper.info.name;
    return { id, caption: caption.trim(), duration, usage, finish_reason: cut ? 'length' : 'stop', model };
  }

  async close(): Promise<void> {
    await this.listener.close();
    await this.bagpiper.close();
  }
}
