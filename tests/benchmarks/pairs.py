"""Lists of pairs, from a file to numbers of images: processor time, and memory.

`plain` lists have two names of 26 characters per line, out of a tenth as many images as pairs; `quoted` ones
are the same in quotes, which the csv module reads; `distinct` ones name no image twice. No image is looked
for. Each list is read in a process of its own; memory is its peak, with Python and NumPy.

    python tests/benchmarks/pairs.py --pairs 1000000,10000000
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from facezoo.data.pairs import Pairs, read_pairs

KINDS: Final = ("plain", "quoted", "distinct")
STEP: Final = 100_000
LINE: Final = "{kind:<9}{pairs:>12,} pairs {images:>11,} images {seconds:>7.1f} s {peak_mb:>6.0f} MB"


def write_list(path: Path, kind: str, pairs: int) -> None:
    random = np.random.default_rng(0)
    line = '"{}","{}",{}\n' if kind == "quoted" else "{},{},{}\n"
    with path.open("w", encoding="utf-8") as file:
        file.write("a,b,same\n")
        for first in range(0, pairs, STEP):
            count = min(STEP, pairs - first)
            numbers = 2 * first + np.arange(2 * count)
            if kind != "distinct":
                numbers = random.integers(0, max(pairs // 10, 2), 2 * count)
            names = [f"m.{number // 20:06x}/image{number:08d}.jpg" for number in numbers.tolist()]
            truths = random.integers(0, 2, count).tolist()
            file.writelines(map(line.format, names[::2], names[1::2], truths))


def measure(path: Path) -> dict[str, Any]:
    seconds = time.process_time()
    named = read_pairs(path)
    paths, pairs = tuple(named.names), Pairs(named.left, named.right, named.same, named.fold)
    return {
        "pairs": len(pairs),
        "images": len(paths),
        "seconds": time.process_time() - seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def benchmark(kind: str, pairs: int, folder: Path) -> dict[str, Any]:
    path = folder / "pairs.csv"
    write_list(path, kind, pairs)
    command = [sys.executable, __file__, "--measure", str(path)]
    child = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"kind": kind, "bytes": path.stat().st_size, **json.loads(child.stdout)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", default="1000000,10000000")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--measure", type=Path, help="Measure one list, in this process.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for pairs in map(int, arguments.pairs.split(",")):
            for kind in arguments.kinds.split(","):
                rows.append(benchmark(kind, pairs, Path(folder)))
                if not arguments.json:
                    print(LINE.format(**rows[-1]), flush=True)
    if arguments.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
