"""From a benchmark's name, or from a path that one of them claims, to the benchmark, open."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from facezoo._words import printable
from facezoo.benchmarks.benchmark import Benchmark
from facezoo.benchmarks.given import Given, Options
from facezoo.benchmarks.pairs import PairsBenchmark
from facezoo.benchmarks.spec import BenchmarkSpec
from facezoo.data.named import NamedPairs
from facezoo.data.opening import own_pairs
from facezoo.data.pairs import OwnPairs
from facezoo.data.preprocessing import Preprocessing
from facezoo.disk.paths import whence
from facezoo.errors import FacezooError
from facezoo.registry.entries import BENCHMARKS, PluginEntry
from facezoo.registry.loading import find_entry
from facezoo.registry.records import Records
from facezoo.registry.sources import split_name
from facezoo.runs.network import Network
from facezoo.settings import EvaluateSettings

RECORDS: Final = Records(BENCHMARKS, BenchmarkSpec)


def open_benchmark(name: str | None, given: Given) -> Benchmark:
    """The benchmark called `name`, or the one that claims `given.path` where no name is said.

    Raises FacezooError where it is unknown or broken, none or several claim the path, or what it reads is not
    there or not in its form.
    """
    if name is None and given.path and split_name(given.path):
        if own := own_pairs(given.path):
            return _of_source(own, given)
        raise FacezooError(f"{printable(given.path)}: brings no pairs", "Name a file or folder of pairs.")
    entry = _claiming(given.path or "") if name is None else find_entry(BENCHMARKS, "benchmark", name)
    opened = RECORDS.call(entry, RECORDS.load(entry).open, given, "cannot be opened")
    return cast("Benchmark", opened)


def open_run_benchmark(
    evaluate: EvaluateSettings,
    data_path: str,
    contract: Preprocessing,
    *,
    options: Options | None = None,
    network: Network | None = None,
) -> Benchmark | None:
    """What a run with these settings is verified on, or None; `data_path` is what it is trained on.

    `evaluate.pairs` is "none", a path or "auto": what the training data brings (a folder brings nothing).
    `evaluate.protocol` is a benchmark's name, or "auto": the one that claims the path.
    """
    options = options or Options(folds=evaluate.folds)
    name = None if evaluate.protocol == "auto" else evaluate.protocol
    if evaluate.pairs == "none":
        return None
    folder = None if evaluate.images == "auto" else _existing(evaluate.images)
    given = Given(path=evaluate.pairs, folder=folder, contract=contract, options=options, network=network)
    if evaluate.pairs != "auto":
        return open_benchmark(name, given)
    if name is not None:
        return open_benchmark(name, replace(given, path=None))
    own = own_pairs(data_path)
    return _of_source(own, given) if own else None


def open_own_benchmark(network: Network, options: Options | None = None) -> Benchmark:
    """What the run of a network was verified on, found again as its settings say.

    Raises FacezooError where it had nothing, or that is not there any more.
    """
    options = replace(options or Options(), folds=network.evaluate.folds)
    data, contract = network.config["data"]["path"], network.preprocessing
    found = open_run_benchmark(network.evaluate, data, contract, options=options, network=network)
    if found is None:
        raise FacezooError(f"{network.checkpoint}: the run has no pairs", "Name some: --pairs FILE.")
    return found


def _existing(folder: str) -> Path:
    if not os.path.isdir(folder):  # noqa: PTH112  # Path.is_dir raises for names that are too long
        found = "is a file" if os.path.exists(folder) else "does not exist"  # noqa: PTH110
        hint = "evaluate.images: say the folder that the names in the pairs start from."
        raise FacezooError(f"images folder {printable(folder)}: {found}{whence(folder)}", hint)
    return Path(folder)


def _of_source(own: OwnPairs, given: Given) -> PairsBenchmark:
    """The pairs that a source of images brings."""
    names, pairs = own.images.names, own.pairs
    if given.contract is not None:
        own.images.declared.check(given.contract.as_dict(), "the backbone")
    if given.embeddings is not None:
        named = NamedPairs(names, pairs.left, pairs.right, pairs.same, pairs.fold)
        return PairsBenchmark.listed(given, own.name, named, ())
    return PairsBenchmark(own.name, own.images, pairs, list(names), given.options, network=given.network)


def _claiming(path: str) -> PluginEntry:
    claims = [entry for entry, _ in RECORDS.claiming(Path(path))]
    if len(claims) == 1:
        return claims[0]
    where, names = printable(path), ", ".join(entry.name for entry in claims)
    if claims:
        message = f"{where}: may be for several benchmarks: {names}"
        raise FacezooError(
            message, "Say which: --benchmark NAME=PATH; in a run's settings, evaluate.protocol."
        )
    installed = ", ".join(entry.name for entry, _ in RECORDS.usable())
    message = f"{where}: holds no list of pairs, and nothing else that a benchmark reads{whence(path)}"
    raise FacezooError(message, f"Name a file with pairs, or the benchmark. Installed are {installed}.")
