"""Benchmarks that are each broken in one way: the one called `x` fails the check `x` and no other.

Installed by tests as `fixture_marks`, beside records that name its functions. Sound is `plain`: how often
the nearest other image is of the same identity.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from facezoo.benchmarks import Comparison, Figures, Main, Units

NAMES = tuple(f"p{person}/{image}.png" for person in range(6) for image in range(4))
LABELS = np.repeat(np.arange(6), 4)
IMAGES = np.bincount(LABELS)


class Plain:
    name = "plain"
    images = SimpleNamespace(names=NAMES)
    fit = None
    remarks = ()
    made = Figures

    def evaluate(self, embeddings):
        hits = self.hits(embeddings)
        return self.made(
            self.name,
            lambda times: self.weighted(hits, times),
            Units(6),
            "rank-1",
            count=10,
            curve=self.curve(),
            wrong=(Comparison(NAMES[0], NAMES[5], 0.5, same=False),),
        )

    def hits(self, embeddings):
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        cosines = unit @ unit.T
        np.fill_diagonal(cosines, -1)
        return np.bincount(LABELS, LABELS[cosines.argmax(1)] == LABELS)

    def weighted(self, hits, times):
        return {"rank-1": hits @ times / (IMAGES @ times)}

    def curve(self):
        return {"CMC": (np.arange(3.0), np.array([0.1, 0.5, 0.9]))}


class Unnamed(Plain):
    name = ""


class Twice(Plain):
    images = SimpleNamespace(names=(NAMES[1], *NAMES[1:]))


class Bare(Plain):
    def evaluate(self, embeddings):
        super().evaluate(embeddings)
        return {"rank-1": 0.5}


class Normalising(Plain):
    def hits(self, embeddings):
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        return super().hits(embeddings)


class Drawing(Plain):
    def hits(self, embeddings):
        return super().hits(embeddings) + np.random.random(6)


class Remembering(Plain):
    before = 0.0

    def hits(self, embeddings):
        found = super().hits(embeddings) + self.before
        self.before = float(embeddings[0, 0])
        return found


class Deaf(Plain):
    def hits(self, embeddings):
        return np.arange(6.0)


class Undefined(Plain):
    def weighted(self, hits, times):
        return {name: value * math.nan for name, value in super().weighted(hits, times).items()}


class Headless(Figures):
    @property
    def main(self):
        return Main("rank-5", self.figures["rank-5"])


class WithoutMain(Plain):
    made = Headless


class Sideways(Figures):
    @property
    def main(self):
        return Main("rank-1", self.figures["rank-1"], "up")


class Directionless(Plain):
    made = Sideways


class Adjusted(Figures):
    """Its figure is another than its replicates are of."""

    @property
    def figures(self):
        return {name: 0.9 * value for name, value in super().figures.items()}


class Differing(Plain):
    made = Adjusted


class Missing(Plain):
    """No replicates of the main figure."""

    class made(Figures):  # noqa: N801
        def weighted(self, times):
            return {"rank-2": np.ones(times.shape[1])}

        @property
        def figures(self):
            return {"rank-1": float(self.of(np.ones((6, 1)))["rank-1"][0])}


class Mixing(Plain):
    def weighted(self, hits, times):
        found = super().weighted(hits, times)["rank-1"]
        return {"rank-1": found + (found - found[:1])}


class Halved(Plain):
    def weighted(self, hits, times):
        return {"rank-1": super().weighted(hits, times)["rank-1"].astype(np.float32)}


class Untold(Figures):
    @property
    def table(self):
        raise KeyError("rank-1")


class WithoutTable(Plain):
    made = Untold


class Falling(Plain):
    def curve(self):
        return {"CMC": (np.arange(3.0)[::-1], np.ones(3))}


class Endless(Figures):
    def worst(self, count):
        return self.wrong * (count + 1)


class Nameless(Plain):
    made = Endless


BENCHMARKS = {
    "plain": Plain,
    "opens": Unnamed,
    "twice": Twice,
    "evaluates": Normalising,
    "bare": Bare,
    "function": Drawing,
    "remembering": Remembering,
    "sensitive": Deaf,
    "main_figure": Directionless,
    "undefined": Undefined,
    "headless": WithoutMain,
    "weights_of_one": Differing,
    "missing": Missing,
    "replicates": Mixing,
    "halved": Halved,
    "table": WithoutTable,
    "curves": Falling,
    "worst": Nameless,
}


def crash(given):
    raise RuntimeError("no list")


for _name, _benchmark in BENCHMARKS.items():
    globals()[f"open_{_name}"] = lambda given, benchmark=_benchmark: benchmark()
