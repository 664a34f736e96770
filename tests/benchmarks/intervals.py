"""Replicates of a verification's figures, as many as `facezoo evaluate` draws by default.

LFW's View 2 has 6,000 pairs. Scores of eight decimals are all distinct; with two they tie, and a replicate
has fewer levels to look at. Processor time, the least of some rounds.

    python tests/benchmarks/intervals.py --rounds 3
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from facezoo.evaluation import replicate
from facezoo.evaluation.bootstrap import REPLICATES
from facezoo.evaluation.identities import PairUnits

FARS = (1e-1, 1e-2)


def measure(pairs: int, people: int, decimals: int, count: int) -> float:
    """Processor seconds of `count` replicates."""
    random = np.random.default_rng(5)
    left, right = random.integers(0, people, (2, pairs))
    right = np.where(random.random(pairs) < 0.5, left, right)
    same = left == right
    scores = np.round(random.normal(0.8 * same, 0.5), decimals)
    fold = np.arange(pairs) * 10 // pairs
    begun = time.process_time()
    replicate(scores, same, fold, PairUnits(left, right, people), fars=FARS, count=count)
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=6000)
    parser.add_argument("--people", type=int, default=1680)
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for decimals in (8, 2):
        sizes = (options.pairs, options.people, decimals, options.replicates)
        seconds = min(measure(*sizes) for _ in range(options.rounds))
        row = {"pairs": options.pairs, "decimals": decimals, "seconds": seconds}
        said = f"{options.pairs:,} pairs, scores of {decimals} decimals: {seconds:.2f} s"
        print(json.dumps(row) if options.json else said)


if __name__ == "__main__":
    main()
