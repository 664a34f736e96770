"""How soon the command line answers: wall and processor time of whole processes, the fastest of several.

What it imports decides it, and `tests/cli/test_imports.py` holds that fast. Commands come in turn, beside
an interpreter that does nothing.

    python tests/benchmarks/startup.py --rounds 8
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

COMMANDS = {
    "python, doing nothing": ("-c", "pass"),
    "facezoo --help": ("-m", "facezoo_cli", "--help"),
    "facezoo list-heads": ("-m", "facezoo_cli", "list-heads"),
    "facezoo show-head cosface": ("-m", "facezoo_cli", "show-head", "cosface"),
}


def measure(words: tuple[str, ...]) -> tuple[float, float]:
    """Wall and processor seconds of one process, its children and system calls included."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - begun, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = [{name: measure(words) for name, words in COMMANDS.items()} for _ in range(options.rounds)]
    print("| command | wall | processor |\n|---|---|---|")
    for name in COMMANDS:
        wall, processor = (1e3 * min(each[name][part] for each in found) for part in (0, 1))
        row = {"command": name, "wall_ms": wall, "processor_ms": processor}
        print(json.dumps(row) if options.json else f"| {name} | {wall:.0f} ms | {processor:.0f} ms |")


if __name__ == "__main__":
    main()
