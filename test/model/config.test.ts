import { describe, expect, it } from 'vitest';
import { encoderTokens, PUBLISHED_AUDIO_CONFIG, parseConfig } from '../../src/model/config.js';
import { goldenConfig } from './golden.js';

describe('parseConfig', () => {
  it('fills an empty file with the published 8B model', () => {
    const config = parseConfig({ audio_config: {} }, 'config.json');
    expect(config).toMatchObject({
      hidden_size: 4096,
      intermediate_size: 12288,
      num_hidden_layers: 36,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      head_dim: 128,
      vocab_size: 160392,
      num_stream: 8,
      text_token_offset: 256,
      text_token_end: 152192,
      codec_base_offset: 152192,
      codec_layer_size: 1025,
      rope_theta: 1e6,
      rms_norm_eps: 1e-6,
      adaptor_input_dim: 2048,
      front_end: 'training',
      audio_config: PUBLISHED_AUDIO_CONFIG,
      codec_config: null,
      toolcall_token_id: 11,
    });
    expect(config.stream_weights).toEqual(new Array(8).fill(0.125));
    expect(config.generation.text).toEqual({ temperature: 0.6, topk: 20, cfg: 1, min_step: 1, max_step: 8192 });
    expect(config.generation.audio).toEqual({ temperature: 0.8, topk: 20, cfg: 3, min_step: 50, max_step: 2048 });
    expect(config.generation.enforce_modality).toEqual(['text', 'audio']);
    expect(config.generation.takes).toBe(1);
  });

  it('reads the reference model', () => {
    const config = goldenConfig();
    expect([config.vocab_size, config.text_token_end, config.hidden_size]).toEqual([820, 556, 64]);
    expect(config.audio_config).toBeNull();
  });

  it('keeps codec, chat and generation blocks', () => {
    const config = goldenConfig({
      codec_config: { type: 'nano-codec', rate: 25 },
      chat: { system: 'You hear.' },
      generation: { audio: { max_step: 20 }, enforce_modality: ['text'], takes: 3 },
      front_end: 'serving',
    });
    expect(config.codec_config).toEqual({ type: 'nano-codec', rate: 25 });
    expect(config.chat.system).toBe('You hear.');
    expect(config.generation.audio).toMatchObject({ min_step: 20, max_step: 20, cfg: 3 });
    expect(config.generation.enforce_modality).toEqual(['text']);
    expect(config.generation.takes).toBe(3);
    expect(config.front_end).toBe('serving');
  });

  it.each([
    [{}, 'training'],
    [{ n_window: 100, n_window_infer: 400 }, 'serving'],
    [{ n_window: 100, n_window_infer: 800 }, 'training'],
  ])("takes the front end that goes with the encoder's windows: %o", (audio, expected) => {
    const audio_config = { ...audio, output_dim: goldenConfig().adaptor_input_dim };
    expect(goldenConfig({ audio_config }).front_end).toBe(expected);
    expect(goldenConfig({ audio_config, front_end: 'training' }).front_end).toBe('training');
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a string for a number', { hidden_size: '64' }, /hidden_size is "64"; accepted are whole numbers from 1/],
    ['a fraction', { num_hidden_layers: 1.5 }, /num_hidden_layers is 1.5/],
    ['heads that do not divide', { num_key_value_heads: 3 }, /num_key_value_heads is 3, which does not divide 4/],
    ['an odd head', { head_dim: 15 }, /head_dim is 15; rotary positions need an even size/],
    ['a vocabulary that is too small', { vocab_size: 800 }, /vocab_size is 800; accepted are whole numbers from 820/],
    ['codec ids inside the text', { codec_base_offset: 500 }, /codec_base_offset is 500/],
    ['one id twice', { eot_token_id: 2 }, /eot_token_id is 2, the id of eos_token_id already/],
    ['a special id among the text', { eot_token_id: 300 }, /eot_token_id is 300; accepted .* to 255/],
    ['another padding', { pad_token_id: 12 }, /pad_token_id is 12/],
    ['too few weights', { stream_weights: [1] }, /stream_weights must be a list of 8 numbers/],
    ['tied embeddings', { tie_word_embeddings: true }, /tie_word_embeddings is true/],
    ['another activation', { hidden_act: 'relu' }, /hidden_act is "relu"; accepted: "silu"/],
    ['an unknown front end', { front_end: 'both' }, /front_end is "both"; accepted: "training", "serving"/],
    ['an unknown codec', { codec_config: { type: 'mp3' } }, /codec_config: type is "mp3"/],
    ['a codec without a type', { codec_config: {} }, /codec_config: type is absent/],
    ['another encoder width', { audio_config: {} }, /adaptor_input_dim is 24 but audio_config.output_dim is 2048/],
    ['a damaged encoder', { audio_config: { d_model: -1 } }, /audio_config: d_model is -1/],
    ['encoder heads that do not divide', { audio_config: { encoder_attention_heads: 7 } }, /does not divide d_model/],
    ['a short window', { audio_config: { n_window_infer: 50 } }, /shorter than one chunk of 100/],
    ['an unknown segment', { generation: { enforce_modality: ['image'] } }, /enforce_modality holds "image"/],
    ['no take', { generation: { takes: 0 } }, /takes is 0; accepted are whole numbers from 1 to 100/],
    ['a negative temperature', { generation: { text: { temperature: -1 } } }, /generation\.text: temperature is -1/],
    ['no step left', { generation: { text: { min_step: 9, max_step: 8 } } }, /min_step is 9/],
  ])('refuses %s', (_, changes, message) => {
    expect(() => goldenConfig(changes)).toThrow(
      expect.objectContaining({ name: 'BagpiperError', message: expect.stringMatching(message) as string }),
    );
  });

  it.each([[null], [[]], ['text'], [3]])('refuses %j for a config', (json) => {
    expect(() => parseConfig(json, 'm/config.json')).toThrow(/^m\/config\.json: expected a JSON object/);
  });
});

describe('encoderTokens', () => {
  it('matches the published clips: frames, tokens in chunks of 200', () => {
    const pairs = [38, 200, 961, 3000].map((frames) => encoderTokens(frames, { n_window: 100 }));
    expect(pairs).toEqual([5, 25, 121, 375]);
  });

  it('gives 390 for 30 seconds in chunks of 100, and nothing for nothing', () => {
    expect(encoderTokens(3000, { n_window: 50 })).toBe(390);
    expect(encoderTokens(0, { n_window: 50 })).toBe(0);
    expect(encoderTokens(1, { n_window: 50 })).toBe(1);
    expect(() => encoderTokens(-1, { n_window: 50 })).toThrow(/whole number from 0/);
  });
});
