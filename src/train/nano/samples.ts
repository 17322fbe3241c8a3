/**
 * What nano's language model is shown: conversations made of corpus records, in the forms of the published model
 * (docs/model.md, "Conversations"). Each use of a scene gets its own wording, so no row is seen twice.
 */
import { eventQuestion, extractFacts, makeWords, type Question, type Scene, thinkByEar } from '../../corpus/index.js';
import {
  type BagpiperConfig,
  buildRows,
  drawKeptMessage,
  dropConditions,
  type Message,
  type TokenGrid,
} from '../../model/index.js';
import { Random } from '../../random.js';
import { generationText, understandingText } from '../../tasks/format.js';
import { SYSTEM_PROMPT } from '../../tasks/prompts.js';
import type { Tokenizer } from '../../text/index.js';

/**
 * Kinds of samples. `caption`, `sound`: pre-training both ways; `ask`, `render`: fine-tuning; `choose`: a question with
 * choices after the model's own caption, which is not learned; `read`: a caption and a question in words, the caption to be
 * said again (which teaches copying); `event`: a question about one event, which is there half of the time where there are any;
 * `text`: words alone.
 */
export type SampleKind = 'caption' | 'ask' | 'choose' | 'read' | 'event' | 'sound' | 'render' | 'text';

/** A scene with what the networks made of its sound. */
export interface Example {
  scene: Scene;
  /** encoder features [tokens, adaptor_input_dim] */
  features: Float32Array;
  /** codec codes [frames, streams]; absent while there is no codec */
  codes?: Int32Array;
  /** the caption that the model itself gave before fine-tuning */
  told?: string;
}

/** A sample before it is built: which example, which kind, which wording. */
export interface SamplePlan {
  example: number;
  kind: SampleKind;
  seed: string;
}

/** A sample's rows, with the encoder features of its continuous span. */
export interface Sample {
  grid: TokenGrid;
  features: Float32Array[];
}

/** How often each kind comes for every scene, in a pass over the corpus. */
export type Mixture = Readonly<Partial<Record<SampleKind, number>>>;

/** One pass over the examples: each kind as often as the mixture says (a fraction is a probability). */
export function planPass(examples: readonly Example[], mixture: Mixture, seed: string): SamplePlan[] {
  const random = new Random(seed);
  const plans: SamplePlan[] = [];
  examples.forEach((example, i) => {
    for (const [kind, share] of Object.entries(mixture) as [SampleKind, number][]) {
      if ((kind === 'sound' || kind === 'render') && !example.codes) continue;
      if (kind === 'choose' && example.told === undefined) continue;
      const times = Math.floor(share) + (random.chance(share % 1) ? 1 : 0);
      for (let k = 0; k < times; k++) plans.push({ example: i, kind, seed: `${seed}/${i}/${kind}/${k}` });
    }
  });
  return plans;
}

/** The conversation of a plan: text as ids, sound as features or codes. */
export function conversation(
  plan: SamplePlan,
  example: Example,
  tokenizer: Tokenizer,
  config: BagpiperConfig,
): Message[] {
  const random = new Random(plan.seed);
  const { caption, questions, requests } = makeWords(example.scene, random);
  const text = (role: 'system' | 'user' | 'assistant', words: string): Message => ({
    role,
    modality: 'text',
    textIds: tokenizer.encode(words),
  });
  const heard: Message = {
    role: 'user',
    modality: 'audio',
    frames: example.features.length / config.adaptor_input_dim,
  };
  const sound = (): Message => ({ role: 'assistant', modality: 'audio', codes: example.codes! });
  switch (plan.kind) {
    case 'caption':
      return [heard, text('assistant', caption)];
    case 'text':
      return [text('assistant', caption)];
    case 'sound':
      return [text('user', caption), sound()];
    case 'ask':
    case 'event':
    case 'read': {
      const question = plan.kind === 'event' ? askForEvent(caption, random) : random.pick(questions);
      return [
        plan.kind === 'read' ? text('user', caption) : heard,
        text('user', question.text),
        text('assistant', understandingText({ caption, thinking: question.thinking, answer: question.answer })),
      ];
    }
    case 'choose': {
      const choosing = questions.filter(({ choices }) => choices !== undefined);
      const { text: asked, answer } = random.pick(choosing.length > 0 ? choosing : questions);
      const thinking = thinkByEar(random, answer);
      return [
        heard,
        text('user', asked),
        text('assistant', understandingText({ caption: example.told!, thinking, answer })),
      ];
    }
    case 'render': {
      const request = random.pick(requests);
      return [
        text('system', SYSTEM_PROMPT),
        text('user', request.text),
        text('assistant', generationText({ thinking: request.thinking, caption })),
        sound(),
      ];
    }
  }
}

/** A yes/no question about one event; where the caption names none, all that can be asked is answered with no. */
function askForEvent(caption: string, random: Random): Question {
  const facts = extractFacts(caption);
  const answer = random.chance(0.5) ? 'yes' : 'no';
  return eventQuestion(facts, random, answer) ?? eventQuestion(facts, random, 'no')!;
}

/** Builds a sample; now and then its condition is dropped, for guidance. */
export function buildSample(plan: SamplePlan, example: Example, tokenizer: Tokenizer, config: BagpiperConfig): Sample {
  const grid = buildRows(conversation(plan, example, tokenizer, config), config, { mode: 'train' });
  if (plan.kind === 'choose') forgive(grid, tokenizer.encode(example.told!).length, config);
  if (plan.kind === 'sound' || plan.kind === 'render') lighten(grid, example.codes!, config);
  const kept = drawKeptMessage(grid, config, new Random(`${plan.seed}/dropout`));
  if (kept !== null) return { grid: dropConditions(grid, kept), features: [] };
  return { grid, features: grid.continuous.map(() => example.features) };
}

/** The first ids of the last message are read, not learned: they may be the model's own mistakes. */
function forgive(grid: TokenGrid, ids: number, config: BagpiperConfig): void {
  const from = grid.segments[grid.segments.length - 1].contentStart * config.num_stream;
  grid.lossMask.fill(0, from, from + ids * config.num_stream);
}

/** What a frame counts that is the same as the one before. */
const REPEATED = 0.25;

/**
 * Silence and steady tones are long runs of one frame. At full weight, repeating the last frame is what a small model learns
 * first and does longest.
 */
function lighten(grid: TokenGrid, codes: Int32Array, { num_stream: streams }: BagpiperConfig): void {
  const { contentStart } = grid.segments[grid.segments.length - 1];
  for (let frame = 1; frame < codes.length / streams; frame++) {
    const [now, before] = [frame, frame - 1].map((f) => codes.subarray(f * streams, (f + 1) * streams));
    if (now.some((code, stream) => code !== before[stream])) continue;
    // Stream s of a frame stands s rows below its first.
    for (let s = 0; s < streams; s++) grid.lossMask[(contentStart + frame + s) * streams + s] *= REPEATED;
  }
}
