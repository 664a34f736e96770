"""What `evaluate` and `threshold` measure: the options that say it, and the benchmarks that they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from facezoo.errors import FacezooError
from facezoo_cli.completing import BENCHMARK
from facezoo_cli.options import FILE, PATH, count, data, model

if TYPE_CHECKING:
    from facezoo.benchmarks import Benchmark, Given, Options, Result
    from facezoo.evaluation.files import EmbeddingSet
    from facezoo.runs.network import Network

T = TypeVar("T", bound=Callable[..., Any])

_OPTIONS: Final = (
    model(required=False),
    click.option(
        "--embeddings",
        type=FILE,
        metavar="FILE",
        help="Evaluate embeddings from anywhere: an .npz with `path` [N] and `embedding` [N, D].",
    ),
    click.option(
        "--benchmark",
        "benchmarks",
        type=BENCHMARK,
        multiple=True,
        metavar="NAME[=PATH]",
        help="Measure this; `facezoo list benchmarks` names all. May be repeated.",
    ),
    click.option("--pairs", metavar="FILE|FOLDER", help="Verify these pairs; those of the run if not given."),
    click.option(
        "--protocol",
        type=BENCHMARK,
        metavar="NAME",
        help="Name the benchmark of --pairs, if its path does not.",
    ),
    data("Measure images with identities, for benchmarks that need no list."),
    click.option("--images", type=PATH, metavar="FOLDER", help="Look below FOLDER for what the pairs name."),
    count("--seed", "Draw the bootstrap from seed N; 0 if not given.", least=0, usual=0),
    click.option(
        "--failed",
        type=click.Choice(("reject", "drop")),
        help="Count images that have no embedding as rejected, or drop them; refused if not given.",
    ),
)


def measured(command: T) -> T:
    """Give a command the options of `Asked`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for on the command line."""

    run: Path | None
    embeddings: Path | None
    benchmarks: tuple[str, ...]
    pairs: str | None
    protocol: str | None
    data: str | None
    images: Path | None
    scores: Path | None = None
    training: str | None = None
    flip: bool | None = None

    def results(self, options: Options) -> list[tuple[str, Result]]:
        """Each benchmark's name and result, from one pass over the images."""
        self._check()
        if self.scores is not None:
            return [("scores", self._of_scores(options))]
        return self._measured(*self._given(options))

    def _check(self) -> None:
        given = {"run": self.run, "embeddings": self.embeddings, "scores": self.scores}
        sources = [name for name, value in given.items() if value is not None]
        if len(sources) != 1:
            found = f"{' and '.join(sources)} were given" if sources else "nothing was given"
            message = f"one source of figures is needed; {found}"
            raise FacezooError(message, "Give one of: RUN, --embeddings FILE, --scores FILE.")
        if self.benchmarks and (self.pairs or self.protocol):
            message = "--benchmark says what to measure, and so do --pairs and --protocol"
            raise FacezooError(message, "Say --benchmark NAME=PATH for each.")
        if self.data is not None and not (self.benchmarks or self.protocol):
            message = "--data: for which benchmark?"
            raise FacezooError(message, "Say --benchmark NAME; `facezoo list benchmarks` has them.")

    def _of_scores(self, options: Options) -> Result:
        from facezoo.benchmarks import Given, open_benchmark

        benchmark = open_benchmark(self.protocol, Given(path=str(self.scores), options=options))
        return benchmark.evaluate(benchmark.images.rows)  # type: ignore[union-attr]

    def _given(self, options: Options) -> tuple[Given, Network | None, EmbeddingSet | None]:
        from facezoo.benchmarks import Given

        rest: dict[str, Any] = {"data": self.data, "folder": self.images, "training": self.training}
        if self.embeddings is not None:
            if not (self.pairs or self.protocol or self.benchmarks):
                hint = "Say --pairs FILE|FOLDER, or --benchmark NAME; `facezoo list benchmarks` has them."
                raise FacezooError("--embeddings: which pairs?", hint)
            from facezoo.evaluation.files import read_embeddings

            found = read_embeddings(self.embeddings)
            return Given(embeddings=found, options=options, **rest), None, found
        from facezoo.runs.network import open_network

        network = open_network(self.run or Path())
        contract = network.preprocessing
        return Given(network=network, contract=contract, options=options, **rest), network, None

    def _measured(
        self, given: Given, network: Network | None, embeddings: EmbeddingSet | None
    ) -> list[tuple[str, Result]]:
        from facezoo.benchmarks import evaluate_embeddings, evaluate_network

        named = list(self._open(given))
        opened = [benchmark for _, benchmark in named]
        if network is not None:
            results = evaluate_network(network, opened, flip=self.flip)
        else:
            assert embeddings is not None
            results = evaluate_embeddings(embeddings, opened)
        return [(name, result) for (name, _), result in zip(named, results, strict=True)]

    def _open(self, given: Given) -> Sequence[tuple[str, Benchmark]]:
        from facezoo.benchmarks import open_benchmark, open_own_benchmark

        if self.benchmarks:
            return [(text, open_benchmark(*_parted(text, given))) for text in self.benchmarks]
        if self.pairs is None and self.protocol is None:
            assert given.network is not None
            return [("own", open_own_benchmark(given.network, given.options))]
        return [("asked", open_benchmark(self.protocol, given.at(self.pairs)))]


def _parted(text: str, given: Given) -> tuple[str, Given]:
    """NAME, and what it is opened with, of `NAME[=PATH]`."""
    name, equals, path = text.partition("=")
    if not name or (equals and not path):
        raise FacezooError(f"--benchmark {text}: not NAME or NAME=PATH", "Say --benchmark csv=pairs.csv.")
    return name, given.at(path or None)
