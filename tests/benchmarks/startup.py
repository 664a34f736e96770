"""How soon the command line answers: wall and processor time of whole processes, the fastest of several.

What it imports decides it, and `tests/cli/test_imports.py` holds that fast. Commands come in turn, beside
an interpreter that imports click and does nothing. Forty distributions, each with a command and a head, are
laid out for it beside those that are installed.

    python tests/benchmarks/startup.py --rounds 8
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.distributions import Distribution

BARE = "python -c 'import click'"
FACEZOO = ("-c", "from facezoo_cli.main import main; main()")  # as the console script has it
COMMANDS = {
    BARE: ("-c", "import click"),
    "facezoo --help": (*FACEZOO, "--help"),
    "facezoo list": (*FACEZOO, "list"),
    "facezoo list-heads": (*FACEZOO, "list-heads"),
    "facezoo train --help": (*FACEZOO, "train", "--help"),
    "facezoo show-head cosface": (*FACEZOO, "show-head", "cosface"),
}


def lay_out(site: Path, count: int) -> None:
    """Put the metadata of `count` distributions into `site`: listing reads no more of them."""
    for number in range(count):
        points = {group: {f"filler{number}": "nowhere:x"} for group in ("facezoo.commands", "facezoo.heads")}
        Distribution(f"facezoo-filler{number}", {}, points, summary="Fills a list.").lay_out(site)


def measure(words: tuple[str, ...], site: str) -> tuple[float, float]:
    """Wall and processor seconds of one process, its children and system calls included."""
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), site]))
    before, begun = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, *words], check=True, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": path}
    )
    wall, after = time.perf_counter() - begun, getrusage(RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--distributions", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory() as site:
        lay_out(Path(site), options.distributions)
        found = [
            {name: measure(words, site) for name, words in COMMANDS.items()} for _ in range(options.rounds)
        ]
    best = {name: [1e3 * min(each[name][part] for each in found) for part in (0, 1)] for name in COMMANDS}
    print("| command | wall | processor | to `import click` |\n|---|---|---|---|")
    for name, (wall, processor) in best.items():
        ratio = processor / best[BARE][1]
        row = {"command": name, "wall_ms": wall, "processor_ms": processor, "ratio": ratio}
        text = f"| {name} | {wall:.0f} ms | {processor:.0f} ms | {ratio:.1f} |"
        print(json.dumps(row) if options.json else text)


if __name__ == "__main__":
    main()
