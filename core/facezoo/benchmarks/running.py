"""Benchmarks of a network, or of embeddings that someone has computed: each image is embedded once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from facezoo.benchmarks.benchmark import Benchmark
from facezoo.benchmarks.result import Result
from facezoo.data.images import Images, Joined
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
    return _whole(benchmark, _images(benchmark), contract, memory, cache)


def evaluate_network(
    network: Network, benchmarks: Sequence[Benchmark], *, flip: bool | None = None
) -> list[Result]:
    """The results of a network on each benchmark; images that several have are embedded once.

    `flip` None is as its run had it.
    """
    flip = network.evaluate.flip if flip is None else flip
    alike = defaultdict(list)  # images of one place, prepared in one way, that are read in any order
    for benchmark in benchmarks:
        images = _images(benchmark)
        alike[images.place, images.fit, images.sequential and id(benchmark)].append(benchmark)
    rows = {id(one): found for group in alike.values() for one, found in _embedded(network, group, flip)}
    return [benchmark.evaluate(rows[id(benchmark)]) for benchmark in benchmarks]


def evaluate_embeddings(embeddings: EmbeddingSet, benchmarks: Sequence[Benchmark]) -> list[Result]:
    """The results of embeddings on benchmarks that were opened with them."""
    return [benchmark.evaluate(embeddings.chosen(benchmark.images.names).rows) for benchmark in benchmarks]


def _embedded(network: Network, group: Sequence[Benchmark], flip: bool) -> list[tuple[Benchmark, Rows]]:
    """Each benchmark with its images' embeddings, from one pass over all of them."""
    images = _images(group[0]) if len(group) == 1 else Joined(list(map(_images, group)))
    number = {name: image for image, name in enumerate(images.names)}
    store = _whole(group[0], images, network.preprocessing, MEMORY, "none")
    size = network.evaluate.batch_size
    rows = embed(network.backbone, store, network.preprocessing, batch_size=size, flip=flip)
    return [
        (benchmark, rows[[number[name] for name in benchmark.images.names]] if len(group) > 1 else rows)
        for benchmark in group
    ]


def _images(benchmark: Benchmark) -> Images:
    images = benchmark.images
    if isinstance(images, EmbeddingSet):
        message = f"{benchmark.name}: was opened with embeddings, and has no images"
        raise FacezooError(message, "Open it again without them.")
    return images


def _whole(benchmark: Benchmark, images: Images, contract: Preprocessing, memory: int, cache: str) -> Store:
    fit = images.fit or contract.fit
    store = open_store(images, contract.size, memory, fit=fit, cache=cache)
    for image, reason in store.unreadable.items():
        message = f"{benchmark.name}: {len(store.unreadable):,} images cannot be decoded, such as "
        where = images.printable(image)
        raise FacezooError(f"{message}{where}: {reason}", "Every image is needed; mend the files.")
    return store
