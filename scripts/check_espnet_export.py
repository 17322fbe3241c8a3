"""Reads an export of `bagpiper data export espnet` with ESPnet's own data loading code. Not part of the tests.

    python3 scripts/check_espnet_export.py --espnet CHECKOUT EXPORT

CHECKOUT: a checkout of espnet/espnet with espnet2/speechlm/dataloader. Needs PyTorch, PyYAML and soundfile. Where Lhotse is
not installed, a stand-in reads cuts.jsonl.gz by Lhotse's documented fields, and a line says so. Other packages that the code
imports but does not need for these files (arkive, omniio, duckdb, polars, pyarrow, kaldiio) are replaced by empty modules.

For every data set: each sample is loaded through upstream's dataset and readers; batches are made by upstream's factory from
the specifiers and statistics; all configurations are read by PyYAML.
"""

import argparse
import gzip
import importlib
import json
import os
import sys
import types

import soundfile
import yaml

UNNEEDED = ["arkive", "arkive.text", "arkive.text.write_utils", "omniio", "duckdb", "polars", "pyarrow", "kaldiio"]
RATE = 16000


class Anything:
    """Stands for whatever is imported from a module that is not there."""

    def __init__(self, *args, **kwargs):
        raise ImportError("this package is not installed here")


class StandInCut:
    def __init__(self, line):
        self.id = line["id"]
        self.recording = line["recording"]
        self.sampling_rate = self.recording["sampling_rate"]
        self.line = line

    def load_audio(self):
        source = self.recording["sources"][self.line["channel"]]["source"]
        start = round(self.line["start"] * self.sampling_rate)
        count = round(self.line["duration"] * self.sampling_rate)
        audio, rate = soundfile.read(source, dtype="float32", start=start, frames=count)
        assert rate == self.sampling_rate and len(audio) == self.recording["num_samples"], self.id
        return audio


class StandInCutSet:
    def __init__(self, cuts):
        self.cuts = {cut.id: cut for cut in cuts}

    from_cuts = classmethod(lambda cls, cuts: cls(cuts))

    @classmethod
    def from_file(cls, path):
        with gzip.open(path, "rt") as file:
            lines = [json.loads(line) for line in file]
        assert all(line["type"] == "MonoCut" and line["supervisions"] == [] for line in lines)
        return cls([StandInCut(line) for line in lines])

    def __iter__(self):
        return iter(self.cuts.values())

    def __getitem__(self, key):
        return self.cuts[key]


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    module.__getattr__ = lambda _: Anything
    module.__path__ = []
    sys.modules[name] = module


def prepare(espnet):
    """Makes upstream's modules importable. Returns whether Lhotse is the real one."""
    sys.path.insert(0, espnet)
    for name in UNNEEDED:
        try:
            importlib.import_module(name)
        except ImportError:
            stand_in(name)
    try:
        import lhotse  # noqa: F401

        return True
    except ImportError:
        stand_in("lhotse", CutSet=StandInCutSet)
        return False


def check_sample(task, item):
    """One loaded sample: sounds are [1, samples] at 16 kHz."""
    if task == "dialogue":
        messages = item["dialogue"]
        sounds = [content for _, modality, content in messages if modality == "audio"]
        assert messages[-1][0] == "assistant"
    else:
        sounds = [item["audio1"]]
        assert isinstance(item["text1"], str) and item["text1"].strip()
    for samples, rate in sounds:
        assert rate == RATE and samples.ndim == 2 and samples.shape[0] == 1, samples.shape
        assert 0.1 * RATE <= samples.shape[1] <= 30 * RATE, samples.shape
    return sum(samples.shape[1] for samples, _ in sounds) / RATE


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--espnet", required=True)
    parser.add_argument("export")
    args = parser.parse_args()
    real = prepare(args.espnet)
    base = "espnet2.speechlm.dataloader."
    dataset = importlib.import_module(base + "dataset")
    iterator = importlib.import_module(base + "iterator")
    dialogue = importlib.import_module(base + "multimodal_loader.dialogue_loader")
    dataset.reader_types.setdefault("dialogue", dialogue.DialogueReader)
    with open(os.path.join(args.export, "export.json")) as file:
        report = json.load(file)
    print("Lhotse: " + ("installed" if real else "a stand-in; its own reader was not run"))
    for name, data in report["sets"].items():
        for task, counts in data["tasks"].items():
            factory = iterator.DataIteratorFactory(
                unregistered_specifier=f"{task}:{name}:{data['manifest']}",
                registered_specifier="",
                stats_dir=os.path.join(args.export, "stats"),
                batchfy_method="pack",
                batch_size=8192,
                num_workers=0,
                collate_fn=list,
            )
            seconds, samples, batches = 0.0, 0, 0
            for batch in factory.get_iterator(0):
                batches += 1
                for _, item in batch:
                    seconds += check_sample(task, item)
                    samples += 1
            assert samples == data["samples"] - counts["tooLong"], (samples, data["samples"])
            print(f"{task} {name}: {samples} samples, {seconds:.1f} s of sound, {batches} batches")
    folder = os.path.join(args.export, "conf")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as file:
            conf = yaml.safe_load(file)
        optimizer = conf["trainer"]["optimizer"]
        numbers = {key: value for key, value in optimizer.items() if key != "name"}
        assert all(isinstance(value, float) for value in numbers.values()), numbers
        assert list(conf["multimodal_io"]) == ["text", "discrete_audio", "continuous_audio"]
        print(f"{name}: {conf['trainer']['max_step']} steps, lr {optimizer['lr']}")
    os.environ["ESPNET_DATASET_REGISTRY"] = os.path.join(args.export, "registry.yaml")
    names = list(report["sets"])
    known = dataset.CombinedDataset(registered_datasets=names)
    assert len(known) == sum(data["samples"] for data in report["sets"].values())
    print(f"registry.yaml: {len(names)} sets")


if __name__ == "__main__":
    main()
