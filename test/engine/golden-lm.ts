/** The reference language model at work in this process, with requests to try it on. */
import { Decoder } from '../../src/engine/decoder.js';
import { generate, type SegmentRows } from '../../src/engine/generate.js';
import { type PromptRows, Scheduler } from '../../src/engine/scheduler.js';
import type { Modality, SegmentDefaults } from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { openSafetensors, toFloat32 } from '../../src/weights/index.js';
import { GOLDEN, goldenConfig } from '../model/golden.js';

export const config = goldenConfig();

export function openDecoder(threads = 1): Promise<Decoder> {
  const file = openSafetensors(`${GOLDEN}/model.safetensors`);
  return Decoder.create(config, { threads, parameters: (name) => ({ data: toFloat32(file.tensor(name)) }) });
}

export interface Request {
  seed: number;
  segments: Modality[];
  prompt: PromptRows;
  /** turns to wait before it begins */
  after: number;
  settings: Record<Modality, SegmentDefaults>;
}

/** A request that depends on its seed alone: prompt of random length, text or sound or both, guided or not. */
export function someRequest(seed: number): Request {
  const random = new Random(`request ${seed}`);
  const count = random.int(2) === 0 ? 5 + random.int(40) : 60 + random.int(130);
  const ids = new Int32Array(count * config.num_stream);
  for (let t = 0; t < count; t++) ids[t * config.num_stream] = config.text_token_offset + random.int(300);
  const features = Float32Array.from({ length: count * config.hidden_size }, () => random.normal());
  const isFeature = Float32Array.from({ length: count }, (_, t) => (t >= 3 && t < 3 + random.int(9) ? 1 : 0));
  const most = () => 12 + random.int(40);
  const sampling = { temperature: 0.8, topk: 20, min_step: 6 };
  return {
    seed,
    segments: random.pick<Modality[]>([['text'], ['audio'], ['text', 'audio'], ['text', 'text']]),
    prompt: { count, ids, features, isFeature },
    after: random.int(30),
    settings: {
      text: { ...sampling, cfg: random.chance(0.2) ? 1.5 : 1, max_step: most() },
      audio: { ...sampling, cfg: random.pick([1, 3]), max_step: most() },
    },
  };
}

export interface Answer {
  segments: SegmentRows[];
  length: number;
}

/** Runs one request; others may run on the same scheduler. @param onRow is told of every row */
export async function run(
  scheduler: Scheduler,
  request: Request,
  signal?: AbortSignal,
  onRow: () => void = () => {},
): Promise<Answer> {
  const lane = scheduler.open(signal);
  try {
    await lane.prefill(request.prompt);
    const segments = await generate(lane, config, {
      segments: request.segments,
      ...request.settings,
      random: new Random(request.seed),
      onRow,
    });
    return { segments, length: lane.length };
  } finally {
    await lane.close();
  }
}

export async function wait(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Every request alone, on a decoder of its own. */
export async function eachAlone(requests: readonly Request[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const request of requests) {
    const decoder = await openDecoder();
    answers.push(await run(new Scheduler(decoder), request));
    await decoder.release();
  }
  return answers;
}
