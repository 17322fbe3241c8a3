"""Reference data for the language model in sizes of its own, computed with numpy in 64-bit floats.

    python3 scripts/golden/language_model.py test/fixtures/golden/lm-odd

A second implementation of what docs/model.md says, as plain as can be and without a cache. It agrees with the upstream
code's numbers in test/fixtures/golden/lm as far as src/ does, which is compared with both.
Layout: as test/fixtures/golden/lm, but nothing has the same size: 4 streams with unequal weights, three query heads a
key head, special ids in another order, a gap before the codec ids, another epsilon and rotary base, guidance in text too.
"""
import json
import math
import os
import struct
import sys

import numpy as np

HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, MLP, FEATURES = 36, 2, 6, 2, 10, 56, 14
STREAMS, TEXT, TEXT_END, CODEC, LAYER, VOCABULARY = 4, 40, 120, 126, 17, 200
EPSILON, THETA = 1e-5, 10000.0
WEIGHTS = [0.4, 0.3, 0.2, 0.1]
SPECIAL = {
    'pad': 0, 'bos': 3, 'eos': 9, 'eot': 5, 'system': 1, 'user': 2, 'assistant': 4,
    'text': 12, 'audio': 7, 'image': 30, 'video': 31, 'toolcall': 8,
}
MODALITIES = ['text', 'audio', 'image', 'video', 'toolcall']
CONFIG = {
    'hidden_size': HIDDEN, 'intermediate_size': MLP, 'num_hidden_layers': LAYERS, 'num_attention_heads': HEADS,
    'num_key_value_heads': KV_HEADS, 'head_dim': HEAD_DIM, 'rms_norm_eps': EPSILON, 'rope_theta': THETA,
    'vocab_size': VOCABULARY, 'num_stream': STREAMS, 'text_token_offset': TEXT, 'text_token_end': TEXT_END,
    'codec_base_offset': CODEC, 'codec_layer_size': LAYER, 'adaptor_input_dim': FEATURES, 'stream_weights': WEIGHTS,
    **{f'{name}_token_id': value for name, value in SPECIAL.items()},
}


def save_tensors(path, tensors):
    header, blobs, end = {}, [], 0
    for name, value in tensors.items():
        value = np.ascontiguousarray(value)
        dtype = {'float32': 'F32', 'int32': 'I32'}[str(value.dtype)]
        header[name] = {'dtype': dtype, 'shape': list(value.shape), 'data_offsets': [end, end + value.nbytes]}
        end += value.nbytes
        blobs.append(value.tobytes())
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + b''.join(blobs))


def make_weights(rng):
    weights = {}

    def matrix(name, *shape, scale=None):
        weights[name] = (rng.standard_normal(shape) * (scale or 1.5 / math.sqrt(shape[-1]))).astype(np.float32)

    def norm(name, size):
        weights[name] = (1 + 0.2 * rng.standard_normal(size)).astype(np.float32)

    matrix('model.embed_tokens.weight', VOCABULARY, HIDDEN, scale=1)
    matrix('lm_head.weight', VOCABULARY, HIDDEN, scale=0.6)
    matrix('stream_emb.weight', STREAMS, HIDDEN, scale=0.7)
    matrix('adaptor.continuous_audio.weight', HIDDEN, FEATURES)
    matrix('adaptor.continuous_audio.bias', HIDDEN, scale=0.2)
    norm('model.norm.weight', HIDDEN)
    for i in range(LAYERS):
        layer = f'model.layers.{i}.'
        norm(layer + 'input_layernorm.weight', HIDDEN)
        norm(layer + 'post_attention_layernorm.weight', HIDDEN)
        norm(layer + 'self_attn.q_norm.weight', HEAD_DIM)
        norm(layer + 'self_attn.k_norm.weight', HEAD_DIM)
        matrix(layer + 'self_attn.q_proj.weight', HEADS * HEAD_DIM, HIDDEN)
        matrix(layer + 'self_attn.k_proj.weight', KV_HEADS * HEAD_DIM, HIDDEN)
        matrix(layer + 'self_attn.v_proj.weight', KV_HEADS * HEAD_DIM, HIDDEN)
        matrix(layer + 'self_attn.o_proj.weight', HIDDEN, HEADS * HEAD_DIM)
        matrix(layer + 'mlp.gate_proj.weight', MLP, HIDDEN)
        matrix(layer + 'mlp.up_proj.weight', MLP, HIDDEN)
        matrix(layer + 'mlp.down_proj.weight', HIDDEN, MLP)
    return weights


class Network:
    def __init__(self, weights):
        self.w = {name: value.astype(np.float64) for name, value in weights.items()}
        self.offsets = self.w['stream_emb.weight'].copy()
        self.offsets[0] = 0

    def embed(self, ids):
        ids = np.asarray(ids)
        table = self.w['model.embed_tokens.weight']
        x = table[ids[:, 0]].copy()
        for n in range(1, STREAMS):
            x += np.where((ids[:, n] != 0)[:, None], table[ids[:, n]], 0)
        return x

    def adapt(self, features):
        weight, bias = self.w['adaptor.continuous_audio.weight'], self.w['adaptor.continuous_audio.bias']
        return features.astype(np.float64) @ weight.T + bias

    @staticmethod
    def norm(x, gain):
        return gain * x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)

    @staticmethod
    def rope(x, positions):
        half = HEAD_DIM // 2
        angle = positions[:, None] * THETA ** (-2 * np.arange(half) / HEAD_DIM)
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        u, v = x[..., :half], x[..., half:]
        return np.concatenate([u * cos - v * sin, v * cos + u * sin], -1)

    def attention(self, y, layer, positions, visible):
        rows = len(y)
        part = lambda name, n: (y @ self.w[f'{layer}self_attn.{name}_proj.weight'].T).reshape(rows, n, HEAD_DIM)
        q = self.rope(self.norm(part('q', HEADS), self.w[layer + 'self_attn.q_norm.weight']), positions)
        k = self.rope(self.norm(part('k', KV_HEADS), self.w[layer + 'self_attn.k_norm.weight']), positions)
        v = part('v', KV_HEADS)
        out = np.zeros((rows, HEADS, HEAD_DIM))
        for head in range(HEADS):
            shared = head // (HEADS // KV_HEADS)
            scores = np.where(visible, q[:, head] @ k[:, shared].T / math.sqrt(HEAD_DIM), -np.inf)
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            out[:, head] = scores / scores.sum(-1, keepdims=True) @ v[:, shared]
        return out.reshape(rows, -1) @ self.w[layer + 'self_attn.o_proj.weight'].T

    def run(self, x, positions=None, blocks=None):
        rows = np.arange(len(x))
        positions = rows if positions is None else positions
        blocks = np.zeros(len(x)) if blocks is None else blocks
        visible = (rows[:, None] >= rows[None]) & (blocks[:, None] == blocks[None])
        outputs = []
        for i in range(LAYERS):
            layer = f'model.layers.{i}.'
            x = x + self.attention(self.norm(x, self.w[layer + 'input_layernorm.weight']), layer, positions, visible)
            y = self.norm(x, self.w[layer + 'post_attention_layernorm.weight'])
            gate = y @ self.w[layer + 'mlp.gate_proj.weight'].T
            up = y @ self.w[layer + 'mlp.up_proj.weight'].T
            x = x + (gate / (1 + np.exp(-gate)) * up) @ self.w[layer + 'mlp.down_proj.weight'].T
            outputs.append(x)
        return outputs, self.norm(x, self.w['model.norm.weight'])

    def logits(self, hidden):
        return (hidden[:, None] + self.offsets[None]) @ self.w['lm_head.weight'].T


def interleave(codes):
    rows = [[CODEC + n * LAYER for n in range(STREAMS)] for _ in range(len(codes) + STREAMS - 1)]
    for t, frame in enumerate(codes):
        for n, code in enumerate(frame):
            rows[t + n][n] += 1 + code
    return rows


def deinterleave(rows):
    code = lambda t, n: min(max(rows[t + n][n] - CODEC - n * LAYER, 1), LAYER - 1) - 1
    return [[code(t, n) for n in range(STREAMS)] for t in range(len(rows) - STREAMS + 1)]


def single(value):
    return [int(value)] + [0] * (STREAMS - 1)


def build(messages, mode):
    """Rows of a conversation, with mask, segments and the places of features."""
    if mode == 'inference':
        roles = [message['role'] for message in messages] + ['assistant']
        messages = messages[: roles.index('assistant')]
    ids, mask, segments, continuous = [single(SPECIAL['bos'])], [[0.0] * STREAMS], [], []

    def put(value, scored):
        ids.append(single(value))
        mask.append([float(scored)] + [0.0] * (STREAMS - 1))

    for i, message in enumerate(messages):
        scored = message['role'] == 'assistant'
        put(SPECIAL[message['role']], scored)
        put(SPECIAL[message['modality']], scored)
        start = len(ids)
        if message['modality'] == 'text':
            kind = 'text'
            for token in message['text_ids']:
                put(token + TEXT, scored)
        elif 'codes' in message:
            kind = 'codec'
            rows = interleave(message['codes'])
            ids += rows
            mask += [list(WEIGHTS) for _ in rows]
        else:
            kind = 'continuous'
            continuous.append({'message': i, 'start': start, 'length': message['frames']})
            ids += [[0] * STREAMS for _ in range(message['frames'])]
            mask += [[0.0] * STREAMS for _ in range(message['frames'])]
        same = i + 1 < len(messages) and messages[i + 1]['role'] == message['role']
        end = 'eot' if same else 'eos'
        length = len(ids) - start
        segments.append(
            {'message': i, 'kind': kind, 'content_start': start, 'content_length': length, 'end_token': end}
        )
        put(SPECIAL[end], scored)
    return {'length': len(ids), 'ids': ids, 'loss_mask': mask, 'segments': segments, 'continuous': continuous}


def float32(x):
    return np.asarray(x, np.float32)


class Maker:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.weights = make_weights(self.rng)
        self.network = Network(self.weights)
        self.forward_tensors, self.forward_cases = {}, {}
        self.generation_tensors, self.generation_cases = {}, []
        self.smallest = math.inf

    def text(self, role, count):
        ids = self.rng.integers(1, TEXT_END - TEXT, count)
        return {'role': role, 'modality': 'text', 'text_ids': [int(i) for i in ids]}

    def codes(self, frames):
        return self.rng.integers(0, LAYER - 1, (frames, STREAMS)).tolist()

    def features(self, tensors, name, x, places):
        """Draws features for the places, puts them into the rows x, and gives the entry of the case."""
        entries = []
        for i, (start, length) in enumerate(places):
            drawn = float32(self.rng.standard_normal((length, FEATURES)))
            x[start : start + length] = self.network.adapt(drawn)
            names = [f'{name}features.{i}', f'{name}feature_embeds.{i}']
            tensors[names[0]] = drawn
            tensors[names[1]] = float32(self.network.adapt(drawn))
            entries.append({'start': start, 'length': length, 'features': names[0], 'embeds': names[1]})
        return {'continuous': entries} if entries else {}

    def forward(self, key, ids, mask, places, about, positions=None):
        ids, mask, tensors, rows = np.array(ids), np.array(mask), self.forward_tensors, len(ids)
        x = self.network.embed(ids)
        about = {**about, **self.features(tensors, f'{key}.', x, places)}
        blocks = None if positions is None else np.cumsum(positions == 0)
        layers, hidden = self.network.run(x, positions, blocks)
        logits = self.network.logits(hidden)
        entropy = np.zeros((rows - 1, STREAMS))
        for t in range(rows - 1):
            for n, target in enumerate(ids[t + 1]):
                low, high = (0, VOCABULARY) if n == 0 else (CODEC, CODEC + STREAMS * LAYER)
                if target != 0 and low <= target < high:
                    entropy[t, n] = np.log(np.exp(logits[t, n, low:high]).sum()) - logits[t, n, target]
        losses = entropy * mask[1:]
        count = int((mask[1:, 0] != 0).sum())
        at = sorted({0, 3, rows // 2, rows - 1})
        values = {
            'loss_mask': mask, 'input_embeds': x, 'last_hidden': hidden, 'logits': logits[at],
            'token_ce': entropy, 'token_loss': losses, **{f'layer_output.{i}': y for i, y in enumerate(layers)},
        }
        tensors[f'{key}.ids'] = ids.astype(np.int32)
        tensors.update({f'{key}.{name}': float32(value) for name, value in values.items()})
        if positions is not None:
            tensors[f'{key}.position_ids'] = positions.astype(np.int32)
        self.forward_cases[key] = {
            'length': rows, 'logits_positions': at, 'loss': losses.sum() / count, 'loss_numerator': losses.sum(),
            'loss_denominator': count, 'scored_entries': int((losses > 0).sum()), **about,
        }

    def last_logits(self, rows):
        return self.network.logits(self.network.run(rows)[1][-1:])[0]

    def segment(self, case, k, rows, config, order):
        """One generated segment; returns it and the rows with it."""
        name, tensors = f'{case}.{k}.', self.generation_tensors
        feed = lambda rows, row: np.vstack([rows, self.network.embed([row])])
        assistant_at = len(rows)
        rows = feed(rows, single(SPECIAL['assistant']))
        asked = self.last_logits(rows)
        tensors[name + 'assistant_logits'] = float32(asked)
        scores = {modality: asked[0, SPECIAL[modality]] for modality in MODALITIES}
        modality = order[k] if k < len(order) else max(scores, key=scores.get)
        settings = config[modality]
        guidance = settings['cfg']
        prefill = len(rows) if guidance > 1 else None
        blind = self.network.embed(np.zeros((len(rows), STREAMS), int))
        row, steps, ended = single(SPECIAL[modality]), [], 'max_step'
        for step in range(settings['max_step']):
            position = len(rows)
            rows = feed(rows, row)
            logits = mixed = self.last_logits(rows)
            if guidance > 1:
                blind = feed(blind, row)
                other = self.last_logits(blind)
                mixed = guidance * logits + (1 - guidance) * other
            if step < 2 and guidance > 1:
                tensors[f'{name}step{step}.cond_logits'] = float32(logits)
                tensors[f'{name}step{step}.uncond_logits'] = float32(other)
            elif step == 0:
                tensors[f'{name}step0.logits'] = float32(logits)
            may_end = step >= settings['min_step']
            picks = [self.pick(mixed[n], modality, n, may_end) for n in range(STREAMS)]
            steps.append({
                'step': step, 'position': position, 'end_tokens_allowed': may_end, 'input': row,
                'output': [p[0] for p in picks], 'best_logit': [p[1] for p in picks], 'margin': [p[2] for p in picks],
            })
            row = steps[-1]['output']
            if row[0] in (SPECIAL['eos'], SPECIAL['eot']):
                ended = 'eos' if row[0] == SPECIAL['eos'] else 'eot'
                break
        closing = {'position': len(rows), 'input': single(row[0])}
        rows = feed(rows, closing['input'])
        produced = [step['output'] for step in steps]
        content = produced if ended == 'max_step' else produced[:-1]
        segment = {
            'modality': modality, 'modality_was': 'enforced' if k < len(order) else 'chosen by the model',
            'assistant_row_position': assistant_at,
            'modality_logits': {str(SPECIAL[m]): score for m, score in scores.items()},
            'unconditional_prefill_rows': prefill, 'cfg': guidance, 'steps': steps, 'rows': produced,
            'ended_by': ended, 'closing_row': closing,
        }
        if modality == 'text':
            segment['text_ids'] = [r[0] - TEXT for r in content]
        elif len(content) >= STREAMS:
            segment['codes'] = deinterleave(content)
        return segment, rows

    def pick(self, logits, modality, stream, may_end):
        """The best allowed id, its logit, and by how much it leads (None where nothing else is allowed)."""
        own = CODEC + stream * LAYER
        allowed = range(own, own + LAYER)
        if modality == 'text':
            allowed = range(TEXT, TEXT_END) if stream == 0 else [0]
        ends = [SPECIAL['eos'], SPECIAL['eot']] if may_end and stream == 0 else []
        ranked = sorted(((logits[i], i) for i in [*allowed, *ends]), reverse=True)
        if len(ranked) == 1:
            return int(ranked[0][1]), ranked[0][0], None
        margin = ranked[0][0] - ranked[1][0]
        self.smallest = min(self.smallest, margin)
        return int(ranked[0][1]), ranked[0][0], margin

    def generate(self, name, messages, config):
        built = build(messages, 'inference')
        rows = self.network.embed(built['ids'])
        places = [(entry['start'], entry['length']) for entry in built['continuous']]
        about = self.features(self.generation_tensors, f'{name}.prompt.', rows, places)
        order, segments = config.get('enforce_modality', []), []
        while not segments or segments[-1]['ended_by'] == 'eot' or len(segments) < len(order):
            segment, rows = self.segment(name, len(segments), rows, config, order)
            segments.append(segment)
        self.generation_cases.append({
            'name': name, 'config': config, 'messages': messages,
            'prompt': {'length': built['length'], 'ids': built['ids'], **about},
            'segments': segments, 'final_cache_rows': len(rows),
        })

    def make(self):
        heard = {'role': 'user', 'modality': 'audio', 'frames': 5}
        answer = lambda frames: {'role': 'assistant', 'modality': 'audio', 'codes': self.codes(frames)}
        cases = {
            'caption_then_audio': [self.text('system', 3), self.text('user', 4), self.text('assistant', 5), answer(6)],
            'audio_question': [heard, self.text('user', 3), self.text('assistant', 6)],
            'audio_answer': [self.text('user', 2), answer(3)],
        }
        built = {name: build(messages, 'train') for name, messages in cases.items()}
        first, second = built['caption_then_audio'], built['audio_question']
        used = first['length'] + second['length']
        positions = np.concatenate([np.arange(n) for n in (first['length'], second['length'], 7)])
        shifted = {'start': first['length'] + second['continuous'][0]['start'], 'length': 5}
        pack = {
            'name': 'two_padded', 'samples': ['caption_then_audio', 'audio_question'], 'batch_length': used + 7,
            'expected': {
                'length': used + 7, 'used': used, 'sample_starts': [0, first['length']],
                'cu_seqlens': [0, first['length'], used, used + 7], 'position_ids': positions.tolist(),
                'continuous': [shifted],
            },
        }
        sequences = {
            'cases': [
                {'name': name, 'task': 'dialogue', 'mode': 'train', 'messages': messages, 'expected': built[name]}
                for name, messages in cases.items()
            ],
            'packs': [pack],
        }
        for name, case in built.items():
            places = [(entry['start'], entry['length']) for entry in case['continuous']]
            self.forward(f'alone_{name}', case['ids'], case['loss_mask'], places, {'sequence': name})
        ids = first['ids'] + second['ids'] + [[0] * STREAMS] * 7
        mask = first['loss_mask'] + second['loss_mask'] + [[0.0] * STREAMS] * 7
        self.forward('packed', ids, mask, [(shifted['start'], 5)], {'pack': 'two_padded'}, positions)

        text = {'temperature': 0, 'topk': 20, 'cfg': 1, 'max_step': 9, 'min_step': 2}
        audio = {'temperature': 0, 'topk': 20, 'cfg': 2.5, 'max_step': 12, 'min_step': 4}
        both = {'text': text, 'audio': audio}
        self.generate('text', [self.text('user', 4)], {'enforce_modality': ['text'], **both})
        self.generate('text_may_end_at_once', [self.text('user', 5)],
                      {'enforce_modality': ['text'], 'text': {**text, 'min_step': 0}, 'audio': audio})
        self.generate('text_cfg2', [self.text('user', 5)],
                      {'enforce_modality': ['text'], 'text': {**text, 'cfg': 2}, 'audio': audio})
        self.generate('audio_question_then_audio', [heard, self.text('user', 3)],
                      {'enforce_modality': ['text', 'audio'], **both})
        self.generate('modality_chosen', [self.text('user', 3)], both)
        return sequences

    def delay(self):
        trips = []
        for frames in (1, 2, 5):
            codes = self.codes(frames)
            rows = interleave(codes)
            trips.append(
                {'frames': frames, 'codes': codes, 'interleaved_global': rows, 'deinterleaved_codes': deinterleave(rows)}
            )
        return {'round_trips': trips}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for seed in range(1000):
        maker = Maker(seed)
        try:
            sequences = maker.make()
        except KeyError:  # the model chose a modality that has no settings
            continue
        ends = [s['ended_by'] for case in maker.generation_cases for s in case['segments']]
        if maker.smallest > 0.02 and {'eos', 'eot', 'max_step'} <= set(ends) and len(ends) < 12:
            break
    print(f'seed {seed}, smallest margin {maker.smallest:.4f}, {ends}')
    files = {
        'config': CONFIG, 'sequences': sequences, 'delay': maker.delay(), 'forward': {'cases': maker.forward_cases},
        'generation': {'cases': maker.generation_cases},
    }
    for name, content in files.items():
        with open(f'{folder}/{name}.json', 'w') as file:
            json.dump(content, file)
            file.write('\n')
    save_tensors(f'{folder}/model.safetensors', maker.weights)
    save_tensors(f'{folder}/forward.safetensors', maker.forward_tensors)
    save_tensors(f'{folder}/generation.safetensors', maker.generation_tensors)


if __name__ == '__main__':
    main(sys.argv[1])
