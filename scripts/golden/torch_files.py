#!/usr/bin/env python3
"""Files that real PyTorch writes, with their numbers: the yardstick of test/weights/torch.

Every file holds a few small tensors; values.json beside them gives, for each file that we read, each tensor's type, shape and
numbers (row-major, as PyTorch itself sees them after loading the file), and for each that we refuse the words that the
message must contain. One folder per PyTorch version, since what `torch.save` writes has changed over time.

Run again (PyTorch is no dependency of the package; any version from 1.13 on will do):
    /usr/bin/python3 scripts/golden/torch_files.py
Writes test/fixtures/torch/VERSION/.
"""
import argparse
import collections
import json
import math
import pathlib
import zipfile

import torch

VERSION = ".".join(torch.__version__.split(".")[:2])
OUT = pathlib.Path(__file__).resolve().parents[2] / "test/fixtures/torch" / VERSION
TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def number(value):
    """A number for JSON: what JSON cannot say, or JavaScript's numbers cannot hold, becomes a text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


def describe(tensor):
    flat = tensor.detach().reshape(-1)
    values = (flat.double() if flat.dtype.is_floating_point else flat).tolist()
    return {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "values": [number(v) for v in values]}


def plain():
    special = [0.0, -0.0, 1.0, -1.5, 3.140625, math.inf, -math.inf, math.nan, 65504.0, 6e-8, 1e-40]
    tensors = {TYPES[t]: torch.tensor(special, dtype=torch.float64).to(t) for t in list(TYPES)[:4]}
    for kind, bits in ((torch.int64, 63), (torch.int32, 31), (torch.int16, 15), (torch.int8, 7)):
        tensors[TYPES[kind]] = torch.tensor([0, 1, -1, 2**bits - 1, -(2**bits)], dtype=kind)
    tensors["U8"] = torch.arange(256, dtype=torch.uint8).reshape(2, 8, 16)
    tensors["BOOL"] = torch.tensor([[True, False, True], [False, False, True]])
    tensors["scalar"] = torch.tensor(-2.25)
    tensors["empty"] = torch.zeros(0, 3)
    tensors["ones.everywhere"] = torch.arange(3.0).reshape(1, 3, 1, 1)
    tensors["__proto__"] = torch.tensor([1.0])
    tensors["Größe 🎵"] = torch.tensor([2.0])
    return tensors


def strided():
    base = torch.arange(60, dtype=torch.float32).reshape(5, 12)
    cube = torch.arange(2 * 3 * 4, dtype=torch.int64).reshape(2, 3, 4)
    return {
        "base": base,
        "again": base,
        "transposed": base.t(),
        "sliced": base[1:4, 2:11:3],
        "column": base[:, 7],
        "row": base[3],
        "tail": base[4, 6:],
        "one": base[2:3, 5:6],
        "nothing": base[5:],
        "expanded": base[0, :3].unsqueeze(1).expand(3, 4),
        "expanded.scalar": torch.tensor(7.5).expand(2, 3),
        "permuted": cube.permute(2, 0, 1),
        "permuted.sliced": cube.permute(2, 0, 1)[1:, :, ::2],
        "half": torch.arange(20).half().reshape(4, 5).t(),
        "bfloat16": torch.arange(20).bfloat16().reshape(4, 5)[:, 1:4],
        "double": (torch.arange(20).double() / 3).reshape(4, 5).t()[::2],
        "bytes": torch.arange(20, dtype=torch.uint8).reshape(4, 5).t(),
        "bool": (torch.arange(20) % 3 == 0).reshape(4, 5).t(),
    }


def layers():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def deepspeed():
    state = layers().state_dict()
    return {
        "module": state,
        "buffer_names": ["1.running_mean"],
        "optimizer": None,
        "param_shapes": [collections.OrderedDict((name, value.shape) for name, value in state.items())],
        "sparse_tensor_module_names": {"a", "b"},
        "lr_scheduler": {"last_batch_iteration": 7, "rates": [1e-4, 2.0**70]},
        "global_steps": 12000,
        "global_samples": 2**70,
        "ds_version": "0.16.4",
        "overflow": False,
        "data": torch.bfloat16,
        "device": torch.device("cpu"),
    }


def lightning():
    model = layers()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    return {"epoch": 3, "state_dict": model.state_dict(), "optimizer_states": [optimizer.state_dict()]}


def unwrap(value):
    for key in ("module", "state_dict", "model"):
        if isinstance(value.get(key), dict):
            return value[key]
    return value


def readable():
    parameters = {"w": torch.nn.Parameter(torch.arange(6.0).reshape(2, 3)), "frozen": torch.nn.Parameter(torch.ones(2), False)}
    tagged = torch.nn.Parameter(torch.arange(4.0))
    tagged.tensor_model_parallel = False
    yield "plain.pt", plain(), {}
    yield "strided.pt", strided(), {}
    yield "deepspeed.pt", deepspeed(), {}
    yield "lightning.ckpt", lightning(), {}
    yield "model.bin", {"model": collections.OrderedDict(a=torch.arange(3), b=torch.tensor([0.5])), "step": 5}, {}
    yield "parameters.pt", {**parameters, "tagged": tagged}, {}
    for protocol in (2, 3, 4, 5):
        yield f"protocol{protocol}.pt", deepspeed(), {"pickle_protocol": protocol}
    yield "shard1.bin", {"a": torch.arange(4.0), "b": torch.arange(2)}, {}
    yield "shard2.bin", {"c": torch.arange(4.0).half()}, {}


def refused():
    tagged = torch.arange(3.0)
    tagged.note = "mine"
    negative = torch.tensor([1 + 2j]).conj().imag
    yield "legacy.pt", {"a": torch.ones(2)}, {"_use_new_zipfile_serialization": False}, "old format"
    yield "module.pt", layers(), {}, "torch.nn.modules.container.Sequential"
    yield "args.pt", {"model": {"a": torch.ones(2)}, "args": argparse.Namespace(x=1)}, {}, "argparse.Namespace"
    yield "complex.pt", {"a": torch.tensor([1 + 2j])}, {}, "torch.ComplexFloatStorage"
    yield "sparse.pt", {"a": torch.eye(3).to_sparse()}, {}, "_rebuild_sparse_tensor"
    yield "quantized.pt", {"a": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, {}, "_rebuild_qtensor"
    yield "tensor.pt", torch.ones(2), {}, "no dict of tensors"
    yield "list.pt", [torch.ones(2)], {}, "no dict of tensors"
    yield "nested.pt", {"encoder": {"a": torch.ones(2)}, "decoder": {"b": torch.ones(2)}}, {}, '"encoder", "decoder"'
    yield "overlap.pt", {"a": torch.arange(6.0).unfold(0, 3, 1)}, {}, "overlap"
    yield "both.pt", {"module": {"a": torch.ones(2)}, "model": {"a": torch.ones(2)}}, {}, '"module", "model"'
    if VERSION[0] != "1":  # version 1 has neither these formats nor a way to save what is special about the last two
        yield "uint16.pt", {"a": torch.tensor([1, 2], dtype=torch.uint16)}, {}, "torch.uint16"
        yield "float8.pt", {"a": torch.ones(2).to(torch.float8_e4m3fn)}, {}, "torch.float8_e4m3fn"
        yield "negative.pt", {"a": negative}, {}, "negated"
        yield "attributes.pt", {"a": tagged}, {}, "_rebuild_from_type_v2"


class Program(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))

    def forward(self, x):
        return x * self.weight


def script():
    """A TorchScript program without its debug records, which hold paths of the machine that wrote them."""
    whole = OUT / "whole.pt"
    torch.jit.script(Program()).save(str(whole))
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(OUT / "script.pt", "w") as new:
        for entry in old.namelist():
            if not entry.endswith(".debug_pkl"):
                new.writestr(zipfile.ZipInfo(entry), old.read(entry))
    whole.unlink()


def packed_again(name, method):
    """A file as an archiver packs it after somebody has unpacked it: other entry order, folders, no alignment."""
    with zipfile.ZipFile(OUT / "deepspeed.pt") as old, zipfile.ZipFile(OUT / name, "w", method) as new:
        names = sorted(old.namelist(), reverse=True)
        new.writestr(zipfile.ZipInfo(names[0].split("/")[0] + "/"), b"")
        for entry in names:
            new.writestr(zipfile.ZipInfo(entry), old.read(entry), method)
        new.comment = b"packed again"


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    expected = {"torch": torch.__version__, "read": {}, "refused": {}}
    for name, value, options in readable():
        torch.save(value, OUT / name, **options)
        loaded = unwrap(torch.load(OUT / name, weights_only=False))
        expected["read"][name] = {key: describe(tensor) for key, tensor in loaded.items()}
    for name, value, options, message in refused():
        torch.save(value, OUT / name, **options)
        expected["refused"][name] = message
    script()
    expected["refused"]["script.pt"] = "TorchScript"
    packed_again("stored.pt", zipfile.ZIP_STORED)
    expected["read"]["stored.pt"] = expected["read"]["deepspeed.pt"]
    packed_again("deflated.pt", zipfile.ZIP_DEFLATED)
    expected["refused"]["deflated.pt"] = "compressed"
    if hasattr(torch.serialization, "set_crc32_options"):
        torch.serialization.set_crc32_options(False)
        torch.save(deepspeed(), OUT / "unchecked.pt")
        expected["read"]["unchecked.pt"] = expected["read"]["deepspeed.pt"]
    (OUT / "values.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")


main()
