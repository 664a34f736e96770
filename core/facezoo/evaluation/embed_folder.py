"""Embeddings of a whole folder into a file, batch by batch, so that it can be stopped and gone on with."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.data.decode import Pixels
from facezoo.data.faces import ImageFiles, LeftOut, printable
from facezoo.data.folder import is_image, sort_key
from facezoo.data.store import StreamingStore
from facezoo.disk.durable import write_json
from facezoo.errors import FacezooError
from facezoo.evaluation.embedding import embed_pixels
from facezoo.evaluation.network import Network

Numbers = npt.NDArray[np.int64]
ROWS, JOURNAL, JOB = "rows.f32", "journal.jsonl", "job.json"


@dataclass(frozen=True)
class Embedded:
    """What came of it: how many images have an embedding, and those that cannot be decoded."""

    images: int
    left_out: tuple[LeftOut, ...]


def find_images(root: Path) -> ImageFiles:
    """All images below a folder, however deep, in the order of their paths; FacezooError if there is none."""
    if not root.is_dir():
        raise FacezooError(f"{printable(str(root))}: not a folder", "Give a folder with images in it.")
    paths = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if is_image(path.name) and path.is_file()
    ]
    if not paths:
        raise FacezooError(f"{printable(str(root))}: holds no image", "Give a folder with images in it.")
    return ImageFiles(root, tuple(sorted(paths, key=sort_key)))


def embed_folder(
    network: Network,
    root: Path,
    out: Path,
    *,
    flip: bool,
    batch_size: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Embedded:
    """Embed every image below `root` into `out`, an npz with `path`, `embedding` and `about` (JSON).

    At most two batches are in memory. Until it is done, what has been computed lies in the folder
    `OUT.partial`; the same call goes on from there. Images that cannot be decoded are left out and returned.
    `progress` is told how many images of how many are done. Raises FacezooError where `out` exists, or
    `OUT.partial` belongs to another job.
    """
    if out.exists():
        raise FacezooError(f"{out}: exists already", "Give another name, or remove it.")
    images = find_images(root)
    job = _job(network, images, flip)
    partial = _Partial(out.with_name(f"{out.name}.partial"), job, network.metadata["backbone"]["dim"])
    store = StreamingStore(images, network.preprocessing.size, network.preprocessing.fit)
    progress(partial.done, len(images))
    for numbers, kept, pixels in _batches(store, partial.done, batch_size):
        rows = embed_pixels(network.backbone, pixels, network.preprocessing, flip=flip)
        reasons = {images.paths[n]: store.unreadable[n] for n in np.setdiff1d(numbers, kept).tolist()}
        partial.add(len(numbers), [images.paths[n] for n in kept.tolist()], rows, reasons)
        progress(partial.done, len(images))
    return partial.finish(out)


def _job(network: Network, images: ImageFiles, flip: bool) -> dict[str, Any]:
    with (network.checkpoint / "model.safetensors").open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "checkpoint": str(network.checkpoint),
        "weights": weights,
        "preprocessing": network.preprocessing.as_dict(),
        "flip": flip,
        "images": images.fingerprint(),
    }


def _batches(store: StreamingStore, first: int, size: int) -> Iterator[tuple[Numbers, Numbers, Pixels]]:
    """Image numbers of each batch, those of them that decode, and their pixels; one batch is read ahead."""
    plan = [np.arange(start, min(start + size, len(store))) for start in range(first, len(store), size)]
    with ThreadPoolExecutor(1, thread_name_prefix="facezoo-embed") as pool:
        ahead = pool.submit(_readable, store, plan[0]) if plan else None
        for numbers, following in zip(plan, [*plan[1:], None], strict=True):
            assert ahead is not None
            kept, pixels = ahead.result()
            ahead = None if following is None else pool.submit(_readable, store, following)
            yield numbers, kept, pixels


def _readable(store: StreamingStore, numbers: Numbers) -> tuple[Numbers, Pixels]:
    while True:
        try:
            return numbers, store.fetch(numbers)
        except FacezooError:
            readable = np.array([n not in store.unreadable for n in numbers.tolist()], np.bool_)
            if readable.all():
                raise
            numbers = numbers[readable]


class _Partial:
    """Rows computed so far, and a journal with a line a batch, written only when its rows are on the disk."""

    def __init__(self, folder: Path, job: dict[str, Any], dim: int) -> None:
        self.folder, self.job, self.dim = folder, job, dim
        self.done, self.paths, self.left_out = 0, list[str](), list[LeftOut]()
        if (folder / JOB).is_file():
            self._go_on()
        else:
            _begin(folder, job)

    def add(
        self, images: int, paths: list[str], rows: npt.NDArray[np.float32], reasons: dict[str, str]
    ) -> None:
        """Keep a batch: how many images it was made from, and rows for the paths that could be decoded."""
        _append(self.folder / ROWS, rows.astype("<f4").tobytes())
        line = {"images": images, "paths": paths, "left_out": reasons}
        _append(self.folder / JOURNAL, (json.dumps(line) + "\n").encode())
        self._take(line)

    def finish(self, out: Path) -> Embedded:
        """Put everything into the npz and remove the folder."""
        if not self.paths:
            message = f"none of the {self.done:,} images can be decoded, such as {self.left_out[0]}"
            raise FacezooError(message, "Give a folder of images that Pillow reads.")
        rows = np.memmap(self.folder / ROWS, "<f4", mode="r", shape=(len(self.paths), self.dim))
        making = self.folder / "whole.npz"
        about = np.array(json.dumps(self.job, ensure_ascii=False))
        with making.open("wb") as file:
            np.savez(file, path=np.array(self.paths), embedding=rows, about=about)
            file.flush()
            os.fsync(file.fileno())
        del rows  # a mapped file cannot be removed everywhere
        making.replace(out)
        shutil.rmtree(self.folder)
        return Embedded(len(self.paths), tuple(self.left_out))

    def _go_on(self) -> None:
        job = json.loads((self.folder / JOB).read_text(encoding="utf-8"))
        changed = [key for key, value in self.job.items() if job.get(key) != value and key != "checkpoint"]
        if changed:
            message = f"{self.folder}: was begun with other {' and '.join(changed)}"
            raise FacezooError(message, "Remove this folder, or give another name for the embeddings.")
        journal = self.folder / JOURNAL
        text = journal.read_text(encoding="utf-8") if journal.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        for line in whole.splitlines():
            self._take(json.loads(line))
        # a kill may have left half a line, or rows whose line was never written
        journal.write_text(whole, encoding="utf-8", newline="\n")
        with (self.folder / ROWS).open("ab") as file:
            file.truncate(len(self.paths) * self.dim * 4)

    def _take(self, line: dict[str, Any]) -> None:
        self.done += line["images"]
        self.paths += line["paths"]
        self.left_out += [LeftOut(path, reason) for path, reason in line["left_out"].items()]


def _begin(folder: Path, job: dict[str, Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / JOB, job)
    except OSError as problem:
        message = f"{folder}: cannot be written ({problem.strerror})"
        raise FacezooError(message, "Choose another place for the embeddings (-o).") from problem


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
