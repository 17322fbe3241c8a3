#!/usr/bin/env python3
"""A checkpoint as it is published, written by real PyTorch: the yardstick of test/tasks/convert.test.ts.

Takes a model folder with one model.safetensors of 32-bit floats and writes model.pt, that is {"module": state dict} in bf16 with
the loss weights `vocab_weight` of upstream's trainer in fp32, next to copies of config.json and tokenizer.json, and
checksums.json: the SHA-256 of each tensor's bytes as PyTorch has them. The fixture comes from the model of test/tiny-model.ts.

Run again (any PyTorch from 1.13 on will do):
    /usr/bin/python3 scripts/golden/checkpoint.py FOLDER
Writes test/fixtures/checkpoint/.
"""
import collections
import hashlib
import json
import pathlib
import shutil
import struct
import sys

import torch

SOURCE = pathlib.Path(sys.argv[1])
OUT = pathlib.Path(__file__).resolve().parents[2] / "test/fixtures/checkpoint"


def tensors():
    raw = (SOURCE / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    data = bytearray(raw[8 + length :])
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        values = torch.frombuffer(data, dtype=torch.float32, count=(end - start) // 4, offset=start)
        yield name, values.reshape(entry["shape"]).to(torch.bfloat16)


def checksum(tensor):
    return hashlib.sha256(tensor.contiguous().view(torch.int16).numpy().tobytes()).hexdigest()


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    state = collections.OrderedDict(tensors())
    (OUT / "checksums.json").write_text(json.dumps({name: checksum(t) for name, t in state.items()}, indent=1) + "\n")
    rows = state["lm_head.weight"].shape[0]
    state["vocab_weight"] = torch.linspace(0, 1, rows)
    torch.save({"module": state, "global_steps": 260000, "ds_version": "0.16.4"}, OUT / "model.pt")
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(SOURCE / name, OUT / name)


main()
