/** What the language model's training needs besides the corpus: a tokenizer for its words, and every clip heard by the frozen encoder. */
import { makeWords, type Scene } from '../../corpus/index.js';
import { Graph } from '../../graph/index.js';
import type { AudioConfig } from '../../model/index.js';
import { Random } from '../../random.js';
import { Session } from '../../runtime/index.js';
import { generationText, understandingText } from '../../tasks/format.js';
import { Tokenizer, type TokenizerJson, trainBpe } from '../../text/index.js';
import { type Clip, framesOf, layPictures, packedFeatures } from './encoder.js';
import type { ByteMel } from './shards.js';

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

/** Mel frames of the picture in which clips are heard together. */
const FRAMES = 3200;

/** Runs the frozen encoder over clips: features [tokens, output_dim] of each, as the engine would have them. */
export async function encodeClips(
  clips: readonly Clip[],
  config: AudioConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  threads: number,
): Promise<Float32Array[]> {
  const graph = new Graph();
  graph.output('features', packedFeatures(graph, config, FRAMES));
  const session = await Session.create(graph, { threads, parameters: (name) => ({ data: parameters.get(name)! }) });
  const out: Float32Array[] = [];
  while (out.length < clips.length) {
    const together: ByteMel[] = [];
    let used = 0;
    for (const clip of clips.slice(out.length)) {
      used += framesOf(clip);
      if (used > FRAMES && together.length > 0) break;
      together.push(clip.mel);
    }
    const { inputs, spans } = layPictures(config, FRAMES, together);
    const features = (await session.run(inputs)).features.data as Float32Array;
    const width = config.output_dim;
    for (const { start, tokens } of spans) out.push(features.slice(start * width, (start + tokens) * width));
  }
  await session.release();
  return out;
}
