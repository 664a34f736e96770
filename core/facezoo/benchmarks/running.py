"""Benchmarks of a network, or of embeddings that someone has computed: each image is embedded once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from facezoo.benchmarks.benchmark import Benchmark
from facezoo.benchmarks.result import Result
from facezoo.data.faces import ImageFiles, printable
from facezoo.data.preprocessing import Preprocessing
from facezoo.data.store import Store, open_store
from facezoo.errors import FacezooError
from facezoo.evaluation.embedding import embed
from facezoo.evaluation.files import EmbeddingSet
from facezoo.runs.network import Network

MEMORY: Final = 2 * 2**30
"""Bytes of decoded images that are kept."""
Rows = npt.NDArray[np.floating]


def open_images(
    benchmark: Benchmark, contract: Preprocessing, memory: int = MEMORY, cache: str = "none"
) -> Store:
    """The pixels of a benchmark's images, as a backbone expects them; see `open_store`.

    FacezooError where one cannot be decoded: figures over what is left would be figures of another set.
    """
    return _whole(benchmark, _files(benchmark), contract, memory, cache)


def evaluate_network(
    network: Network, benchmarks: Sequence[Benchmark], *, flip: bool | None = None
) -> list[Result]:
    """The results of a network on each benchmark; images that several have are embedded once.

    `flip` None is as its run had it.
    """
    flip = network.evaluate.flip if flip is None else flip
    alike = defaultdict(list)  # images of one place, prepared in one way
    for benchmark in benchmarks:
        alike[_files(benchmark).root, benchmark.fit].append(benchmark)
    rows = {id(one): found for group in alike.values() for one, found in _embedded(network, group, flip)}
    return [benchmark.evaluate(rows[id(benchmark)]) for benchmark in benchmarks]


def evaluate_embeddings(embeddings: EmbeddingSet, benchmarks: Sequence[Benchmark]) -> list[Result]:
    """The results of embeddings on benchmarks that were opened with them."""
    return [benchmark.evaluate(embeddings.chosen(benchmark.images.paths).rows) for benchmark in benchmarks]


def _embedded(network: Network, group: Sequence[Benchmark], flip: bool) -> list[tuple[Benchmark, Rows]]:
    """Each benchmark with its images' embeddings, from one pass over all of them."""
    number: dict[str, int] = {}
    for path in (path for benchmark in group for path in benchmark.images.paths):
        number.setdefault(path, len(number))
    files = ImageFiles(_files(group[0]).root, tuple(number))
    store = _whole(group[0], files, network.preprocessing, MEMORY, "none")
    size = network.evaluate.batch_size
    rows = embed(network.backbone, store, network.preprocessing, batch_size=size, flip=flip)
    return [
        (benchmark, rows[[number[path] for path in benchmark.images.paths]] if len(group) > 1 else rows)
        for benchmark in group
    ]


def _files(benchmark: Benchmark) -> ImageFiles:
    images = benchmark.images
    if not isinstance(images, ImageFiles):
        message = f"{benchmark.name}: was opened with embeddings, and has no images"
        raise FacezooError(message, "Open it again without them.")
    return images


def _whole(
    benchmark: Benchmark, files: ImageFiles, contract: Preprocessing, memory: int, cache: str
) -> Store:
    store = open_store(files, contract.size, memory, fit=benchmark.fit or contract.fit, cache=cache)
    for image, reason in store.unreadable.items():
        message = f"{benchmark.name}: {len(store.unreadable):,} images cannot be decoded, such as "
        path = printable(str(files.root / files.paths[image]))
        raise FacezooError(f"{message}{path}: {reason}", "Every image is needed; mend the files.")
    return store
