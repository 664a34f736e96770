"""What a benchmark must pass, with made-up embeddings: nothing is decoded, and no network is needed."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from facezoo.benchmarks import Benchmark, Given, Options, Result, open_benchmark
from facezoo.registry import PluginEntry
from facezoo.registry.entries import BENCHMARKS
from facezoo.registry.loading import find_entry, import_entry
from facezoo_conformance.judging import Check, settled_generator
from facezoo_conformance.packaging import enter_no_torch, enter_requirement
from facezoo_conformance.rules import Rules, is_text, require

DIM: Final = 16
NOISE: Final = 1.5
"""How much images of one folder differ, beside folders: enough for mistakes."""
DRAWS: Final = 3
CLOSE: Final = 1e-12
"""How far a replicate may be from the figure that it is, as a share of it."""
Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Opening:
    """A benchmark that was found, and what it is opened with."""

    entry: PluginEntry
    given: Given

    @cached_property
    def benchmark(self) -> Benchmark:
        """The benchmark, open; raises what goes wrong."""
        return open_benchmark(self.entry.qualified, self.given)

    def embeddings(self, seed: int = 0) -> npt.NDArray[np.float32]:
        """Made-up embeddings of its images, float32 [images, DIM]: those of one folder are alike."""
        folders = [name.rpartition("/")[0] for name in self.benchmark.images.names]
        _, person = np.unique(np.array(folders, dtype=object), return_inverse=True)
        drawn = np.random.default_rng(seed)
        rows = drawn.normal(size=(person.max() + 1, DIM))[person]
        rows += NOISE * drawn.normal(size=rows.shape)
        return np.asarray(rows, np.float32)

    def result(self, seed: int = 0) -> Result:
        """What such embeddings are worth."""
        return self.benchmark.evaluate(self.embeddings(seed))


RULES: Final = Rules[Opening]()
enter_requirement(RULES)
enter_no_torch(RULES, BENCHMARKS)


def checks(name: str) -> Iterator[Check[Opening]]:
    """Every check of an installed benchmark, in order: `name` or `name=path`, `dist:name` as well.

    FacezooError where it is not installed or cannot be imported.
    """
    called, _, path = name.partition("=")
    entry = find_entry(BENCHMARKS, "benchmark", called)
    import_entry(entry, "benchmark")
    subject = Opening(entry, Given(path=path or None, options=Options(replicates=20)))
    return (Check(subject, rule) for rule in IN_ORDER)


@contextmanager
def _global_draws(seed: int) -> Iterator[None]:
    """The global generators of Python, NumPy and torch at another place, inside the block."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        random.seed(seed)
        np.random.seed(seed)
        with settled_generator(seed):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _said(result: Result) -> str:
    """All figures as one text."""
    return json.dumps(dict(result.figures), sort_keys=True, default=str)


def _ones(result: Result) -> npt.NDArray[np.int64]:
    return np.ones((result.units.count, 1), np.int64)


@RULES.check("images")
def opens(opening: Opening) -> None:
    """It opens, and has a name and at least two images, each called otherwise than all others."""
    benchmark = opening.benchmark
    require(is_text(benchmark.name), f"its name is {benchmark.name!r}")
    names = list(benchmark.images.names)
    require(len(names) >= 2, f"it has {len(names)} images")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    require(not twice, f"images of one name: {', '.join(twice[:3])}")


@RULES.check("evaluation")
def evaluates(opening: Opening) -> None:
    """`evaluate` gives a Result, and leaves the embeddings as they were."""
    rows = opening.embeddings()
    result: object = opening.benchmark.evaluate(rows)
    require(isinstance(result, Result), f"evaluate gives a {type(result).__name__}, not a Result")
    require(bool(np.array_equal(rows, opening.embeddings())), "the embeddings are changed in place")


@RULES.check("evaluation")
def function(opening: Opening) -> None:
    """The figures are a function of the embeddings: whatever was evaluated before, and whatever is drawn."""
    with _global_draws(0):
        first = _said(opening.result())
    with _global_draws(1):
        opening.result(seed=1)
        second = _said(opening.result())
    require(first == second, f"the same embeddings have other figures: {first[:60]} and {second[:60]}")


@RULES.check("evaluation")
def sensitive(opening: Opening) -> None:
    """Other embeddings have other figures."""
    found = {_said(opening.result(seed)) for seed in range(3)}
    require(len(found) > 1, f"whatever the embeddings, the figures are {min(found)[:80]}")


@RULES.check("figures")
def main_figure(opening: Opening) -> None:
    """There is a main figure: a name, a finite value, and whether higher or lower is better."""
    main = opening.result().main
    require(is_text(main.name), f"the main figure is called {main.name!r}")
    known = main.value is not None and math.isfinite(main.value)
    require(known, f"the main figure {main.name!r} is {main.value}")
    require(main.better in ("higher", "lower"), f"better is {main.better!r}, not 'higher' or 'lower'")


@RULES.check("figures")
def weights_of_one(opening: Opening) -> None:
    """With all weights 1 a replicate is the figure itself, for the main figure and every other."""
    result = opening.result()
    found, main = result.weighted(_ones(result)), result.main
    require(main.name in found, f"there are no replicates of the main figure {main.name!r}")
    figures = {**result.figures, main.name: main.value}
    for name, value in found.items():
        known = figures.get(name)
        if isinstance(known, int | float) and math.isfinite(known):
            close = math.isclose(value[0], known, rel_tol=CLOSE, abs_tol=CLOSE)
            require(
                close, f"{name}: {float(value[0]):.12g} with all weights 1, and the figure is {known:.12g}"
            )


@RULES.check("figures")
def replicates(opening: Opening) -> None:
    """Replicates are float64, one per draw of the units, and each a function of its own draw."""
    result = opening.result()
    draws = np.concatenate(list(result.draws(DRAWS)), axis=1)
    require(draws.shape == (result.units.count, DRAWS), f"draws are {list(draws.shape)}")
    together = result.weighted(draws)
    for place in range(DRAWS):
        alone = result.weighted(draws[:, place : place + 1])
        for name, values in together.items():
            require(values.shape == (DRAWS,), f"{name}: {list(values.shape)} for {DRAWS} draws")
            require(values.dtype == np.float64, f"{name}: {values.dtype}, not float64")
            same = np.isclose(alone[name], values[place], rtol=CLOSE, atol=CLOSE, equal_nan=True).all()
            require(
                bool(same),
                f"{name}: a draw gives {alone[name][0]:.12g} alone, {values[place]:.12g} among others",
            )


@RULES.check("figures")
def table(opening: Opening) -> None:
    """The table has rows and can be written as text, and all of the result as JSON."""
    result = opening.result()
    require(bool(result.table.rows), "the table has no row")
    require(
        all(isinstance(line, str) for line in result.table.lines()), "the table has lines that are no text"
    )
    for what, content in (("table", result.table.as_dict()), ("result", result.as_dict())):
        try:
            json.dumps(content, allow_nan=False)
        except (TypeError, ValueError) as error:
            require(False, f"the {what} cannot be written as JSON: {error}")


@RULES.check("figures")
def curves(opening: Opening) -> None:
    """Curves are finite, as many numbers along x as along y, and rise along x."""
    for name, (along, up) in opening.result().curves().items():
        require(
            along.shape == up.shape and along.ndim == 1, f"{name}: {list(along.shape)} and {list(up.shape)}"
        )
        require(bool(np.isfinite(along).all() and np.isfinite(up).all()), f"{name}: not finite")
        require(bool((np.diff(along) >= 0).all()), f"{name}: x falls")


@RULES.check("figures")
def worst(opening: Opening) -> None:
    """The worst comparisons are no more than were asked for, and name what was compared."""
    found = opening.result().worst(2)
    require(len(found) <= 2, f"{len(found)} comparisons, and 2 were asked for")
    for each in found:
        require(bool(each.a) and bool(each.b), f"a comparison of {each.a!r} with {each.b!r}")
        require(math.isfinite(each.score), f"{each.a} and {each.b}: the score is {each.score}")


IN_ORDER: Final = tuple(RULES.values())
"""Every check there is."""
