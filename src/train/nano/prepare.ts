/** What the language model's training needs besides the corpus: a tokenizer for its words, and every clip heard by the frozen encoder. */
import { makeWords, type Scene } from '../../corpus/index.js';
import { Graph } from '../../graph/index.js';
import { type AudioConfig, encoderFront, encoderTower, layChunks, planEncoding } from '../../model/index.js';
import { Random } from '../../random.js';
import { Session } from '../../runtime/index.js';
import { generationText, understandingText } from '../../tasks/format.js';
import { Tokenizer, type TokenizerJson, trainBpe } from '../../text/index.js';
import type { Clip } from './encoder.js';
import { melFrames } from './shards.js';

/** Every text of some scenes, as the language model will meet it. */
export function* corpusTexts(scenes: Iterable<Scene>, seed: string): Iterable<string> {
  for (const scene of scenes) {
    const { caption, questions, requests } = makeWords(scene, new Random(`${seed}/${scene.id}`));
    for (const { text, thinking, answer } of questions.slice(0, 2)) {
      yield text;
      yield understandingText({ caption, thinking, answer });
    }
    for (const { text, thinking } of requests) {
      yield text;
      yield generationText({ thinking, caption });
    }
  }
}

/** A byte-level BPE tokenizer of exactly `size` ids, trained on the corpus's words. */
export function trainTokenizer(
  scenes: readonly Scene[],
  size: number,
  seed: string,
): { json: TokenizerJson; tokenizer: Tokenizer } {
  const json = trainBpe(corpusTexts(scenes, seed), { vocabSize: size });
  return { json, tokenizer: Tokenizer.fromJson(json, 'the new tokenizer') };
}

/** Runs the frozen encoder over clips one by one, exactly as the engine will: features [tokens, output_dim] of each. */
export async function encodeClips(
  clips: readonly Clip[],
  config: AudioConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  threads: number,
): Promise<Float32Array[]> {
  const compile = (build: (graph: Graph) => void): Promise<Session> => {
    const graph = new Graph();
    build(graph);
    return Session.create(graph, { threads, parameters: (name) => ({ data: parameters.get(name)! }) });
  };
  const tower = await compile((graph) => graph.output('features', encoderTower(graph, config)));
  const out = new Array<Float32Array>(clips.length);
  const plans = clips.map(({ mel }) => planEncoding(mel.frames, config));
  // Every length has convolutions of its own: one length after the other.
  for (const frames of new Set(plans.map((plan) => plan.frames))) {
    const front = await compile((graph) => graph.output('embed', encoderFront(graph, config, frames)));
    for (const [i, plan] of plans.entries()) {
      if (plan.frames !== frames) continue;
      const { mel } = clips[i];
      const picture = new Float32Array(config.num_mel_bins * mel.frames);
      melFrames(mel, 0, mel.frames, picture, 0, mel.frames);
      const { embed } = await front.run({
        chunks: {
          data: layChunks(picture, mel.frames, plan, config),
          dims: [plan.chunks, 1, config.num_mel_bins, plan.frames],
        },
        keep: { data: plan.keep, dims: [plan.tokens] },
      });
      const mask = { data: plan.mask, dims: [1, 1, plan.tokens, plan.tokens] };
      out[i] = (await tower.run({ embed, mask })).features.data as Float32Array;
    }
    await front.release();
  }
  await tower.release();
  return out;
}
