"""Reference data for the audio encoder in sizes of its own, computed with numpy in 64-bit floats.

    python3 scripts/golden/audio_encoder.py test/fixtures/golden/audio-odd

A second implementation of what docs/model.md says. Layout: as test/fixtures/golden/audio-encoder, but with 80 mel bands,
chunks of 100 frames as in the published model (13 tokens, the last of half a step) and windows of two chunks.
"""
import json
import math
import os
import sys

import numpy as np

from language_model import float32, save_tensors

BANDS, WIDTH, LAYERS, HEADS, FFN, OUTPUT, CHANNELS, HIDDEN = 80, 24, 2, 3, 40, 18, 6, 22
HALF_CHUNK, WINDOW = 50, 250
CHUNK = 2 * HALF_CHUNK
TOWER = 'multimodal_io_dict.continuous_audio.model.audio_tower.'
CONFIG = {
    'hidden_size': HIDDEN, 'adaptor_input_dim': OUTPUT,
    'audio_config': {
        'num_mel_bins': BANDS, 'd_model': WIDTH, 'encoder_layers': LAYERS, 'encoder_attention_heads': HEADS,
        'encoder_ffn_dim': FFN, 'output_dim': OUTPUT, 'downsample_hidden_size': CHANNELS, 'n_window': HALF_CHUNK,
        'n_window_infer': WINDOW, 'activation_function': 'gelu',
    },
}
RATE, N_FFT, HOP = 16000, 400, 160


def mel_bank():
    to_mel = lambda f: 3 * f / 200 if f < 1000 else 15 + math.log(f / 1000) * 27 / math.log(6.4)
    to_hz = lambda m: 200 * m / 3 if m < 15 else 1000 * math.exp((m - 15) * math.log(6.4) / 27)
    edges = [to_hz(to_mel(RATE / 2) * i / (BANDS + 1)) for i in range(BANDS + 2)]
    bins = np.arange(N_FFT // 2 + 1) * RATE / N_FFT
    bank = np.zeros((BANDS, len(bins)))
    for i in range(BANDS):
        low, middle, high = edges[i : i + 3]
        rise, fall = (bins - low) / (middle - low), (high - bins) / (high - middle)
        bank[i] = np.maximum(0, np.minimum(rise, fall)) * 2 / (high - low)
    return bank


def log_mel(samples, training):
    x = samples.astype(np.float64)
    if training:
        x = (x - x.mean()) / math.sqrt(x.var() + 1e-7)
    else:
        x = np.concatenate([x, np.zeros(-len(x) % HOP)])
    frames = len(x) // HOP
    x = np.concatenate([x[200:0:-1], x, x[-2:-202:-1]])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    spectra = np.stack([np.fft.rfft(x[t * HOP : t * HOP + N_FFT] * window) for t in range(frames)], 1)
    y = np.log10(np.maximum(1e-10, mel_bank() @ np.abs(spectra) ** 2))
    return (np.maximum(y, y.max() - 8) + 4) / 4


erf = np.vectorize(math.erf)
gelu = lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))


def conv(x, weight, bias):
    """3x3, stride 2, one zero on every side: x [in, mel, time]."""
    x = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    tall, wide = (x.shape[1] - 1) // 2, (x.shape[2] - 1) // 2
    out = np.zeros((len(weight), tall, wide)) + bias[:, None, None]
    for i in range(3):
        for j in range(3):
            out += np.einsum('oc,cmt->omt', weight[:, :, i, j], x[:, i : i + 2 * tall : 2, j : j + 2 * wide : 2])
    return out


class Encoder:
    def __init__(self, rng):
        self.weights = {}

        def put(name, *shape, bias=True, norm=False):
            size = math.prod(shape[1:]) if len(shape) > 1 else 1
            weight = rng.standard_normal(shape) / math.sqrt(size) if not norm else 1 + 0.2 * rng.standard_normal(shape)
            self.weights[name + '.weight'] = float32(weight)
            if bias:
                self.weights[name + '.bias'] = float32(0.1 * rng.standard_normal(shape[0]))

        put(TOWER + 'conv2d1', CHANNELS, 1, 3, 3)
        put(TOWER + 'conv2d2', CHANNELS, CHANNELS, 3, 3)
        put(TOWER + 'conv2d3', CHANNELS, CHANNELS, 3, 3)
        put(TOWER + 'conv_out', WIDTH, CHANNELS * math.ceil(BANDS / 8), bias=False)
        for i in range(LAYERS):
            layer = f'{TOWER}layers.{i}.'
            for part in 'q', 'k', 'v', 'out':
                put(f'{layer}self_attn.{part}_proj', WIDTH, WIDTH)
            put(layer + 'fc1', FFN, WIDTH)
            put(layer + 'fc2', WIDTH, FFN)
            put(layer + 'self_attn_layer_norm', WIDTH, norm=True)
            put(layer + 'final_layer_norm', WIDTH, norm=True)
        put(TOWER + 'ln_post', WIDTH, norm=True)
        put(TOWER + 'proj1', WIDTH, WIDTH)
        put(TOWER + 'proj2', OUTPUT, WIDTH)
        put('adaptor.continuous_audio', HIDDEN, OUTPUT)

    def w(self, name):
        return self.weights[name].astype(np.float64)

    def linear(self, x, name):
        return x @ self.w(name + '.weight').T + self.w(name + '.bias')

    def norm(self, x, name):
        y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return y * self.w(name + '.weight') + self.w(name + '.bias')

    def chunk(self, mel):
        x = mel[None]
        for i in 1, 2, 3:
            name = f'{TOWER}conv2d{i}'
            x = gelu(conv(x, self.w(name + '.weight'), self.w(name + '.bias')))
        flat = x.transpose(2, 0, 1).reshape(x.shape[2], -1) @ self.w(TOWER + 'conv_out.weight').T
        half = WIDTH // 2
        angle = np.arange(len(flat))[:, None] * np.exp(-np.arange(half) * math.log(10000) / (half - 1))
        return flat + np.concatenate([np.sin(angle), np.cos(angle)], 1)

    def run(self, mel):
        frames = mel.shape[1]
        pieces = [mel[:, at : at + CHUNK] for at in range(0, frames, CHUNK)]
        kept = [math.ceil(piece.shape[1] / 8) for piece in pieces]
        if len(pieces) > 1:
            pieces = [np.pad(piece, ((0, 0), (0, CHUNK - piece.shape[1]))) for piece in pieces]
        x = np.concatenate([self.chunk(piece)[:n] for piece, n in zip(pieces, kept)])
        window = max(kept) * (WINDOW // CHUNK)
        block = np.arange(len(x)) // window
        found = {'embed': x}
        for i in range(LAYERS):
            layer = f'{TOWER}layers.{i}.'
            x = x + self.attention(self.norm(x, layer + 'self_attn_layer_norm'), layer, block)
            y = gelu(self.linear(self.norm(x, layer + 'final_layer_norm'), layer + 'fc1'))
            x = x + self.linear(y, layer + 'fc2')
            found.setdefault('layer0', x)
        y = gelu(self.linear(self.norm(x, TOWER + 'ln_post'), TOWER + 'proj1'))
        found['features'] = self.linear(y, TOWER + 'proj2')
        found['adapted'] = self.linear(found['features'], 'adaptor.continuous_audio')
        edges = [*range(0, len(x), window), len(x)]
        return found, edges

    def attention(self, y, layer, block):
        size = WIDTH // HEADS
        q, k, v = (self.linear(y, f'{layer}self_attn.{part}_proj') for part in 'qkv')
        out = np.zeros_like(y)
        for head in range(HEADS):
            own = slice(head * size, (head + 1) * size)
            scores = np.where(block[:, None] == block[None], q[:, own] @ k[:, own].T / math.sqrt(size), -np.inf)
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            out[:, own] = scores / scores.sum(-1, keepdims=True) @ v[:, own]
        return self.linear(out, layer + 'self_attn.out_proj')


def clip(rng, samples):
    """A rising tone under noise, with a quiet stretch."""
    t = np.arange(samples) / RATE
    x = 0.3 * np.sin(2 * np.pi * (200 + 900 * t) * t) + 0.05 * rng.standard_normal(samples) + 0.02
    x[samples // 3 : samples // 2] *= 1e-4
    return float32(x)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(1)
    encoder = Encoder(rng)
    tensors = {}
    # Shorter than a chunk; one chunk exactly; an odd tail and three windows.
    for name, samples in ('short', 3333), ('chunk', 16000), ('long', 71111):
        audio = clip(rng, samples)
        mel, normal = float32(log_mel(audio, False)), float32(log_mel(audio, True))
        found, edges = encoder.run(mel)
        trained, _ = encoder.run(normal)
        tensors[f'{name}.audio'] = audio
        tensors[f'{name}.mel'] = mel
        tensors.update({f'{name}.{key}': float32(value) for key, value in found.items()})
        tokens = len(found['features'])
        tensors[f'{name}.lengths'] = np.int32([samples, samples + -samples % HOP, mel.shape[1], tokens])
        tensors[f'{name}.cu_seqlens'] = np.int32(edges)
        tensors[f'{name}.norm_mel'] = normal
        tensors[f'{name}.norm_features'] = float32(trained['features'])
        tensors[f'{name}.norm_lengths'] = np.int32([samples, normal.shape[1], len(trained['features'])])
    with open(f'{folder}/config.json', 'w') as file:
        json.dump(CONFIG, file)
        file.write('\n')
    save_tensors(f'{folder}/model.safetensors', encoder.weights)
    save_tensors(f'{folder}/cases.safetensors', tensors)


if __name__ == '__main__':
    main(sys.argv[1])
