"""What a checkpoint costs, as a share of the time between two of them under the default settings.

The trainer trains for some steps and then saves several times, synced to the disk that `--out` lies on. The
time between two saves is `train.save_every` epochs, at the rate that was measured; it grows with the training
set, for which the shares are given.

    python tests/benchmarks/saving.py --backbones small --images 300,500000
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from _runs import CASES, clocked, generate, make_trainer, rate

from facezoo.settings import TrainSettings
from facezoo.training import Trainer

EVERY = TrainSettings().save_every


@dataclass(frozen=True)
class Figure:
    """One line of the table; `shares` are by the number of training images."""

    backbone: str
    mib: float
    milliseconds: float
    spread: float
    images_per_second: float
    shares: dict[int, float]


def save_times(trainer: Trainer, saves: int) -> tuple[list[float], int]:
    """Seconds of each of some saves, and the bytes of a checkpoint. The first one has nothing to drop."""
    seconds = []
    for _ in range(saves + trainer.settings.train.keep):
        trainer.course.step += 1  # a checkpoint of the same step would replace the one before
        begun = time.perf_counter()
        checkpoint = trainer.saver.save()
        seconds.append(time.perf_counter() - begun)
    return seconds[-saves:], sum(file.stat().st_size for file in checkpoint.iterdir())


def measure(options: argparse.Namespace, backbone: str, data: Path, run_dir: Path) -> Figure:
    trainer = make_trainer(data, backbone, options.batch, options.threads, run_dir)
    clock = clocked(trainer)
    trainer.fit(until=options.warmup + options.steps)
    images_per_second = rate(clock, trainer, options.warmup)
    seconds, size = save_times(trainer, options.saves)
    save = statistics.median(seconds)
    shares = {
        images: save / (save + EVERY * images / images_per_second)
        for images in map(int, options.images.split(","))
    }
    spread = 1e3 * (max(seconds) - min(seconds))
    return Figure(backbone, size / 2**20, 1e3 * save, spread, images_per_second, shares)


def figures(options: argparse.Namespace) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(dir=options.out) as folder:
        data = generate(Path(folder, "faces"), options.identities, images=8)
        for backbone in options.backbones.split(","):
            yield measure(options, backbone, data, Path(folder, backbone))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbones", default=",".join(CASES))
    parser.add_argument("--images", default="300,13233,494414", help="sizes of training sets")
    parser.add_argument("--identities", type=int, default=100, help="of the generated set")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--saves", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="a folder on the disk to write to")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = [f"share at {int(images):,} images" for images in options.images.split(",")]
    head = ["backbone", "MiB", "save, ms", "spread", "images/s", *sizes]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for figure in figures(options):
        if options.json:
            print(json.dumps(asdict(figure)), flush=True)
            continue
        shares = " | ".join(f"{100 * share:.3f} %" for share in figure.shares.values())
        print(
            f"| {figure.backbone} | {figure.mib:.1f} | {figure.milliseconds:.0f} | {figure.spread:.0f} "
            f"| {figure.images_per_second:.0f} | {shares} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
