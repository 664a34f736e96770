"""TAR@FAR and the ROC curve over millions of scores, beside scikit-learn, in one run.

As many scores as IJB-C's 1:1 protocol has: 15,658,489, of them 19,557 genuine. The peer is what evaluation
scripts do: `sklearn.metrics.roc_curve`, then interpolation at the rates. Both must give the same figures.
Memory is the peak of NumPy's allocations, the scores themselves included, in copies of the scores.

    python tests/benchmarks/roc.py --rounds 3
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from facezoo.evaluation import roc, tar_at_far
from facezoo.evaluation.assessment import supported

FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def make_scores(genuine: int, impostors: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    same = np.zeros(genuine + impostors, bool)
    same[random.choice(len(same), genuine, replace=False)] = True
    scores = random.normal(0, 0.1, len(same)).astype(dtype)
    scores[same] += 0.45
    return scores, same


def rates(same: np.ndarray) -> tuple[float, ...]:
    """Those of FARS that so many impostor scores support."""
    return supported(FARS, int((~same).sum()))


def peer(scores: np.ndarray, same: np.ndarray) -> np.ndarray:
    """roc_curve and interpolation."""
    from sklearn.metrics import roc_curve

    far, tar, _ = roc_curve(same, scores)
    return np.interp(rates(same), far, tar)


def points(scores: np.ndarray, same: np.ndarray) -> np.ndarray:
    return np.array([point.tar for point in tar_at_far(scores, same, rates(same))])


def curve(scores: np.ndarray, same: np.ndarray) -> np.ndarray:
    return roc(scores, same).at(rates(same))


def both(scores: np.ndarray, same: np.ndarray) -> np.ndarray:
    points(scores, same)
    return curve(scores, same)


CONTENDERS: dict[str, Callable[..., np.ndarray]] = {
    "roc_curve + interpolation": peer,
    "tar_at_far": points,
    "roc": curve,
    "tar_at_far and roc": both,
}


def measure(contender: Callable[..., np.ndarray], scores: np.ndarray, same: np.ndarray) -> dict[str, Any]:
    seconds = time.process_time()
    figures = contender(scores, same)
    return {"seconds": time.process_time() - seconds, "tar": figures.tolist()}


def copies(contender: Callable[..., np.ndarray], scores: np.ndarray, same: np.ndarray) -> float:
    tracemalloc.start()
    contender(scores, same)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return 1 + peak / scores.nbytes


def benchmark(genuine: int, impostors: int, dtype: str, rounds: int) -> list[dict[str, Any]]:
    """Medians over rounds, the contenders in turn; the ratio to the peer's is that of the same round."""
    scores, same = make_scores(genuine, impostors, dtype)
    found = [{name: measure(c, scores, same) for name, c in CONTENDERS.items()} for _ in range(rounds)]
    first = next(iter(CONTENDERS))
    rows = []
    for name, contender in CONTENDERS.items():
        ratios = [each[first]["seconds"] / each[name]["seconds"] for each in found]
        rows.append(
            {
                "name": name,
                "dtype": dtype,
                "seconds": statistics.median(each[name]["seconds"] for each in found),
                "times faster": statistics.median(ratios),
                "copies": copies(contender, scores, same),
                "greatest difference": float(
                    np.max(np.abs(np.subtract(found[0][name]["tar"], found[0][first]["tar"])))
                ),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--genuine", type=int, default=19_557)
    parser.add_argument("--impostors", type=int, default=15_638_932)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = [
        row
        for dtype in ("float32", "float64")
        for row in benchmark(arguments.genuine, arguments.impostors, dtype, arguments.rounds)
    ]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{arguments.genuine + arguments.impostors:,} scores; processor time, median of {arguments.rounds}")
    for row in rows:
        cells = f"{row['seconds']:>8.2f} s {row['times faster']:>7.1f} x {row['copies']:>6.2f} copies"
        print(f"{row['dtype']:<8} {row['name']:<26}{cells}   TAR within {row['greatest difference']:.1e}")


if __name__ == "__main__":
    main()
