#!/usr/bin/env python3
"""A whole training step of the language model, computed independently of our code: the yardstick of test/train/step.test.ts.

Written in PyTorch from the formulas of the golden data's description (docs/model.md says the same), in 64-bit floats with
PyTorch's own automatic differentiation and its own AdamW. Before anything is stored, the forward pass is checked against the
reference numbers of every case in forward.safetensors (vectors after the final norm, losses).

Run again (PyTorch is no dependency of the package; Debian's is enough):
    apt-get install python3-torch python3-numpy
    /usr/bin/python3 scripts/golden/train_step.py
Writes test/fixtures/train/step.safetensors (F32): `loss`, `norm` (of all gradients, before clipping), `grad/NAME` for
every parameter on the golden case `packed`, and `after/NAME` for the parameters after two AdamW steps on it; the metadata
holds the optimizer's settings.
"""
import json
import pathlib

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "test/fixtures/golden/lm"
OUT = ROOT / "test/fixtures/train/step.safetensors"
CASE = "packed"
SETTINGS = {"rate": 1e-3, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.1, "clip": 1.0, "steps": 2}
# Weight decay is for matrices: norms, biases and the embedding table are left out.
EXEMPT = ("norm", "bias", "embed")
NUMPY = {"F32": np.float32, "I32": np.int32}


def load(path):
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, info in header.items():
        start, end = (8 + size + at for at in info["data_offsets"])
        values = np.frombuffer(raw[start:end], dtype=NUMPY[info["dtype"]]).reshape(info["shape"])
        tensors[name] = torch.from_numpy(values.astype(np.float64 if info["dtype"] == "F32" else np.int64))
    return tensors


def save(path, tensors, metadata):
    header, blobs, at = {"__metadata__": metadata}, [], 0
    for name, value in tensors.items():
        data = value.detach().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
        blobs.append(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def rms(x, w, epsilon):
    return w * x / torch.sqrt((x * x).mean(-1, keepdim=True) + epsilon)


def rope(x, positions, theta):
    """x [heads, rows, size]: the first half of a head turns with the second."""
    half = x.shape[-1] // 2
    rate = theta ** (-2.0 * torch.arange(half, dtype=torch.float64) / x.shape[-1])
    angle = positions[:, None].double() * rate[None, :]
    u, v = x[..., :half], x[..., half:]
    return torch.cat([u * angle.cos() - v * angle.sin(), v * angle.cos() + u * angle.sin()], -1)


def hidden_states(p, c, ids, positions, spans):
    """ids [rows, streams]; spans: (first row, features [n, adaptor_input_dim])."""
    rows = ids.shape[0]
    table = p["model.embed_tokens.weight"]
    x = table[ids[:, 0]]
    for n in range(1, ids.shape[1]):
        x = x + table[ids[:, n]] * (ids[:, n] != 0)[:, None]
    for start, features in spans:
        placed = features @ p["adaptor.continuous_audio.weight"].T + p["adaptor.continuous_audio.bias"]
        x = torch.cat([x[:start], placed, x[start + placed.shape[0] :]])
    # A row sees itself and the earlier rows of its own sample; a sample begins where the position is 0.
    sample = torch.cumsum((positions == 0).long(), 0)
    order = torch.arange(rows)
    visible = (sample[:, None] == sample[None, :]) & (order[:, None] >= order[None, :])
    heads, kv, size = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
    for i in range(c["num_hidden_layers"]):
        w = lambda name: p[f"model.layers.{i}.{name}.weight"]
        y = rms(x, w("input_layernorm"), c["rms_norm_eps"])
        split = lambda name, n: (y @ w(f"self_attn.{name}_proj").T).reshape(rows, n, size).transpose(0, 1)
        q = rope(rms(split("q", heads), w("self_attn.q_norm"), c["rms_norm_eps"]), positions, c["rope_theta"])
        k = rope(rms(split("k", kv), w("self_attn.k_norm"), c["rms_norm_eps"]), positions, c["rope_theta"])
        v = split("v", kv)
        k, v = (t.repeat_interleave(heads // kv, 0) for t in (k, v))
        scores = (q @ k.transpose(1, 2) / size**0.5).masked_fill(~visible, float("-inf"))
        mixed = (scores.softmax(-1) @ v).transpose(0, 1).reshape(rows, heads * size)
        x = x + mixed @ w("self_attn.o_proj").T
        y = rms(x, w("post_attention_layernorm"), c["rms_norm_eps"])
        gate = y @ w("mlp.gate_proj").T
        x = x + (gate * torch.sigmoid(gate) * (y @ w("mlp.up_proj").T)) @ w("mlp.down_proj").T
    return rms(x, p["model.norm.weight"], c["rms_norm_eps"])


def loss_of(p, c, ids, mask, hidden):
    base, streams = c["codec_base_offset"], ids.shape[1]
    end = base + streams * c["codec_layer_size"]
    head, total = p["lm_head.weight"], 0.0
    for n in range(streams):
        shifted = hidden if n == 0 else hidden + p["stream_emb.weight"][n]
        low, high = (0, head.shape[0]) if n == 0 else (base, end)
        target, weight = ids[1:, n], mask[1:, n]
        scored = (weight > 0) & ((target != 0) if n == 0 else ((target >= base) & (target < end)))
        logits = shifted[:-1][scored] @ head[low:high].T
        chosen = logits.gather(1, (target[scored] - low)[:, None])[:, 0]
        total = total + (weight[scored] * (logits.logsumexp(-1) - chosen)).sum()
    return total / (mask[1:, 0] > 0).sum()


def case_inputs(name, info, data):
    positions = data.get(f"{name}.position_ids", torch.arange(info["length"]))
    spans = [(s["start"], data[s["features"]]) for s in info.get("continuous", [])]
    return data[f"{name}.ids"], data[f"{name}.loss_mask"], positions, spans


def main():
    torch.set_num_threads(1)
    c = json.loads((GOLDEN / "config.json").read_text())
    p = load(GOLDEN / "model.safetensors")
    p.pop("vocab_weight", None)
    data = load(GOLDEN / "forward.safetensors")
    cases = json.loads((GOLDEN / "forward.json").read_text())["cases"]
    for name, info in cases.items():
        ids, mask, positions, spans = case_inputs(name, info, data)
        h = hidden_states(p, c, ids, positions, spans)
        far = (h - data[f"{name}.last_hidden"]).abs().max().item()
        loss = loss_of(p, c, ids, mask, h).item()
        print(f"{name}: hidden differs by {far:.1e}, loss {loss:.6f} against {info['loss']}")
        assert far < 1e-4 and abs(loss - info["loss"]) < 2e-5, name

    for value in p.values():
        value.requires_grad_(True)
    ids, mask, positions, spans = case_inputs(CASE, cases[CASE], data)
    exempt = lambda name: any(word in name for word in EXEMPT)
    optimizer = torch.optim.AdamW(
        [
            {"params": [v for n, v in p.items() if not exempt(n)], "weight_decay": SETTINGS["weight_decay"]},
            {"params": [v for n, v in p.items() if exempt(n)], "weight_decay": 0.0},
        ],
        lr=SETTINGS["rate"],
        betas=(SETTINGS["beta1"], SETTINGS["beta2"]),
        eps=SETTINGS["epsilon"],
    )
    out = {}
    for step in range(SETTINGS["steps"]):
        optimizer.zero_grad()
        loss = loss_of(p, c, ids, mask, hidden_states(p, c, ids, positions, spans))
        loss.backward()
        if step == 0:
            out.update({f"grad/{n}": v.grad.clone() for n, v in p.items()})
        norm = torch.nn.utils.clip_grad_norm_(list(p.values()), SETTINGS["clip"])
        if step == 0:
            out.update({"loss": loss.reshape(1), "norm": norm.reshape(1)})
        print(f"step {step}: loss {loss.item():.9f}, gradient norm {norm.item():.9f}")
        optimizer.step()
    out.update({f"after/{n}": v for n, v in p.items()})
    save(OUT, out, {"case": CASE, **{k: str(v) for k, v in SETTINGS.items()}})
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
