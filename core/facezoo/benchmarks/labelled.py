"""What benchmarks of images with identities share, which need no list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from facezoo.benchmarks.benchmark import Imaged
from facezoo.benchmarks.given import Labelled, Options


@dataclass(frozen=True, eq=False)
class LabelledBenchmark:
    """All of a `Benchmark` but `evaluate`, on images with identities as `Given.faces` finds them."""

    name: str
    labelled: Labelled
    options: Options

    @property
    def images(self) -> Imaged:
        """See `Benchmark`."""
        return self.labelled.images

    @property
    def remarks(self) -> Sequence[str]:
        """None: what is out of the ordinary is known once the images are embedded."""
        return ()


def left_out_notes(failed: int, files: int, became: str) -> Iterator[str]:
    """How many images failed to enrol, `became` saying what of them ("which are left out"), and how many
    files or folders of a set are no part of the figures: a line for each of which there are any.
    """
    if failed:
        yield f"failed to enrol: {failed:,} images, {became}"
    if files:
        yield f"left out: {files:,} files or folders, which `facezoo data check` names"
