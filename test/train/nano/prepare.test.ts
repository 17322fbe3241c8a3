import { describe, expect, it } from 'vitest';
import { encoderTokens } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import { parseGeneration, parseUnderstanding } from '../../../src/tasks/index.js';
import { initialEncoder } from '../../../src/train/nano/encoder.js';
import { corpusTexts, encodeClips, trainTokenizer } from '../../../src/train/nano/prepare.js';
import { farthest } from '../../model/codec/tiny-codec.js';
import { EMPTY, noiseClip, SMALL, scenes } from './clips.js';

describe('corpusTexts', () => {
  it('are questions, requests and answers in the forms that the model meets', () => {
    const texts = [...corpusTexts(scenes(5), 'texts')];
    expect(texts.length % 2).toBe(0);
    for (let i = 0; i < texts.length; i += 2) {
      const [asked, said] = [texts[i], texts[i + 1]];
      expect(asked).not.toContain('<think>');
      const { caption, thinking } = said.startsWith('<think>') ? parseGeneration(said) : parseUnderstanding(said);
      expect([caption, thinking].every((part) => part.length > 10)).toBe(true);
    }
    expect([...corpusTexts(scenes(5), 'texts')]).toEqual(texts);
    expect([...corpusTexts(scenes(5), 'others')]).not.toEqual(texts);
  });
});

describe('trainTokenizer', () => {
  it('has as many ids as asked for, says every text again, and has short forms of its words', () => {
    const some = scenes(10);
    const { json, tokenizer } = trainTokenizer(some, 500, 'texts');
    expect(Object.keys(json.model.vocab).length).toBe(500);
    let [bytes, ids] = [0, 0];
    for (const text of corpusTexts(some, 'others')) {
      const encoded = [...tokenizer.encode(text)];
      expect(tokenizer.decode(encoded)).toBe(text);
      bytes += text.length;
      ids += encoded.length;
    }
    expect(bytes / ids).toBeGreaterThan(2);
  });
});

describe('encodeClips', () => {
  it('gives a row for each token, whatever the length, the same for the same clip', async () => {
    const values = initialEncoder(SMALL, new Random('prepare'));
    const frames = [100, 7, 230, 100];
    const clips = frames.map((n, i) => noiseClip(EMPTY, i === 3 ? '0' : String(i), n));
    const features = await encodeClips(clips, SMALL, values, 1);
    const tokens = frames.map((n) => encoderTokens(n, SMALL));
    expect(features.map((f) => f.length)).toEqual(tokens.map((n) => n * SMALL.output_dim));
    expect(features.every((f) => f.every(Number.isFinite))).toBe(true);
    const size = Math.max(...features[0].map(Math.abs));
    expect(farthest(features[3], features[0])).toBeLessThan(1e-5 * size);
  });
});
