"""Training images/s of facezoo's trainer beside the usual loop, as ratios of neighbouring processes.

The usual loop is plain PyTorch in float32: a `DataLoader` whose workers decode with Pillow and flip, the same
backbone of torch's own layers, CosFace as published, SGD. Both train on the same files with the same batch
and the same threads. Every measurement is a process of its own, the contenders in turn; the first steps are
not counted.

- facezoo: the defaults, that is images decoded once into memory, and bfloat16 where the processor has it
- facezoo, float32: the same in float32
- facezoo, float32, decoding: a set that does not fit into memory (`data.memory_mib=0`)

    python tests/benchmarks/training.py --backbones small --rounds 3 --data FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from _runs import CASES, clocked, generate, make_trainer, rate
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from facezoo.backbones import build_backbone
from facezoo.backbones.prelu import PReLU

ENDINGS = {".jpg", ".jpeg", ".png"}
PLAIN = "DataLoader, Pillow, float32"
CONTENDERS: dict[str, tuple[str, ...]] = {
    PLAIN: (),
    "facezoo": (),
    "facezoo, float32": ("train.precision=float32",),
    "facezoo, float32, decoding": ("train.precision=float32", "data.memory_mib=0"),
}


@dataclass(frozen=True)
class Figure:
    """One line of the table: medians over the rounds; `start` is the time until the first step can begin."""

    backbone: str
    name: str
    images_per_second: float
    ratio: float
    spread: float
    start: float


class Faces(Dataset[tuple[Tensor, int]]):
    """Identity folders as the usual loop reads them."""

    def __init__(self, root: Path, size: int) -> None:
        folders = sorted(path for path in root.iterdir() if path.is_dir())
        self.files = [
            (file, label)
            for label, folder in enumerate(folders)
            for file in sorted(folder.iterdir())
            if file.suffix.lower() in ENDINGS
        ]
        self.classes = len(folders)
        self.size = size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.files[index]
        image = Image.open(path).convert("RGB")
        if image.size != (self.size, self.size):
            image = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        if torch.rand(()) < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        return pixels.float().div(127.5).sub(1), label


def of_torchs_layers(network: torch.nn.Module) -> torch.nn.Module:
    """`network` with torch's PReLU in the place of facezoo's, as everybody else's has it."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, PReLU):
                setattr(module, name, torch.nn.PReLU(child.num_parameters))
    return network


def plain(options: argparse.Namespace, backbone: str) -> dict[str, float]:
    """The usual loop."""
    begun = time.perf_counter()
    torch.set_num_threads(options.threads)
    size, dim = CASES[backbone]
    faces = Faces(options.data, size)
    workers = {"num_workers": options.workers, "persistent_workers": options.workers > 0}
    loader = DataLoader(faces, options.batch, shuffle=True, drop_last=True, **workers)
    network = of_torchs_layers(build_backbone(backbone, dim, size)).train()
    weight = torch.nn.Parameter(torch.randn(faces.classes, dim) * 0.01)
    optimizer = torch.optim.SGD([*network.parameters(), weight], 0.1, 0.9, weight_decay=5e-4)
    start = time.perf_counter() - begun
    ends: list[float] = []
    while len(ends) < options.warmup + options.steps:
        for images, labels in loader:
            optimizer.zero_grad(set_to_none=True)
            cos = F.linear(F.normalize(network(images)), F.normalize(weight))
            margin = torch.zeros_like(cos).scatter_(1, labels[:, None], 0.15)
            loss = F.cross_entropy(24 * (cos - margin), labels)
            loss.backward()
            optimizer.step()
            loss.item()  # every loop shows its loss
            ends.append(time.perf_counter())
            if len(ends) == options.warmup + options.steps:
                break
    images_per_second = options.steps * options.batch / (ends[-1] - ends[options.warmup - 1])
    return {"images_per_second": images_per_second, "start": start}


def facezoo(options: argparse.Namespace, backbone: str, name: str) -> dict[str, float]:
    """facezoo's trainer, with everything that it does between two saves."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as run_dir:
        sizes = (options.data, backbone, options.batch, options.threads, Path(run_dir))
        trainer = make_trainer(*sizes, *CONTENDERS[name])
        start = time.perf_counter() - begun
        clock = clocked(trainer)
        trainer.fit(until=options.warmup + options.steps)
    return {"images_per_second": rate(clock, trainer, options.warmup), "start": start}


def in_a_process(options: argparse.Namespace, backbone: str, name: str) -> dict[str, float]:
    """The figures of one contender, from a process of its own."""
    numbers = [
        f"--{key}={getattr(options, key)}"
        for key in ("data", "batch", "steps", "warmup", "workers", "threads")
    ]
    command = [sys.executable, __file__, *numbers, f"--backbones={backbone}", f"--measure={name}"]
    # without TensorBoard's curves, which the other loop does not write
    environment = {**os.environ, "FACEZOO_DISABLE": "facezoo-tensorboard:tensorboard"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def figures(options: argparse.Namespace, backbone: str) -> Iterator[Figure]:
    """The contenders' figures; those of a round are measured one after the other and compared."""
    rounds = [
        {name: in_a_process(options, backbone, name) for name in CONTENDERS} for _ in range(options.rounds)
    ]
    for name in CONTENDERS:
        rates = [found[name]["images_per_second"] for found in rounds]
        ratios = [rate / found[PLAIN]["images_per_second"] for rate, found in zip(rates, rounds, strict=True)]
        start = statistics.median(found[name]["start"] for found in rounds)
        spread = max(ratios) - min(ratios)
        yield Figure(backbone, name, statistics.median(rates), statistics.median(ratios), spread, start)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbones", default=",".join(CASES))
    parser.add_argument("--data", type=Path, help="a folder of identity folders; generated JPEGs without it")
    parser.add_argument("--identities", type=int, default=64, help="of the generated set")
    parser.add_argument("--images", type=int, default=32, help="of each generated identity")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    return parser.parse_args()


def show(options: argparse.Namespace) -> None:
    print("| backbone | loop | images/s | ratio | spread | start, s |\n|---|---|---|---|---|---|")
    for backbone in options.backbones.split(","):
        for figure in figures(options, backbone):
            if options.json:
                print(json.dumps(asdict(figure)), flush=True)
            else:
                print(
                    f"| {backbone} | {figure.name} | {figure.images_per_second:.0f} | {figure.ratio:.2f} "
                    f"| {figure.spread:.2f} | {figure.start:.1f} |",
                    flush=True,
                )


def main() -> None:
    options = parse()
    if options.measure:
        how = plain(options, options.backbones) if options.measure == PLAIN else None
        print(json.dumps(how or facezoo(options, options.backbones, options.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        options.data = options.data or generate(Path(folder), options.identities, options.images)
        show(options)


if __name__ == "__main__":
    main()
