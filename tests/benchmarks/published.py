"""Memory and passes of published implementations of the losses, for one step, beside facezoo's own.

FOLDER holds checkouts of public repositories as owner+name, which are run as they are, on the CPU; `EACH` of
_published.py lists them. A step is embeddings to loss and back to embeddings and class vectors; what the
repository's training loop still holds in the backward pass is held here, too.

- Peak: live storages beyond the class vectors' gradient, in B x C float32.
- Passes: operations that write a whole B x C matrix, new or in place, of whatever type.

    python tests/benchmarks/published.py FOLDER
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import chain
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from _published import EACH, load
from head_step import Step, fill, make_problem
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import facezoo
from facezoo.registry import installed_heads
from facezoo.testing import AllocationMeter


class PassCounter(TorchDispatchMode):
    """Counts operations that write `size` elements; an indexed write in place, if its index is that large."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.passes = size, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [part for part in tree_leaves((args, kwargs)) if isinstance(part, Tensor)]
        before = {part.untyped_storage()._cdata for part in given}
        result = func(*args, **(kwargs or {}))
        large = [
            part for part in tree_leaves(result) if isinstance(part, Tensor) and part.numel() >= self.size
        ]
        indexed = any(word in func.name() for word in ("scatter_", "index_"))
        whole = func._schema.is_mutable and (
            not indexed or any(part.numel() >= self.size for part in given[1:])
        )
        written = [part for part in large if whole or part.untyped_storage()._cdata not in before]
        self.passes += bool(written) and "empty" not in func.name()
        return result


def make_step(head: Any, call: Any, embeddings: Tensor, labels: Tensor) -> Step:
    def step() -> None:
        head.zero_grad(set_to_none=True)
        made = call(head, embeddings.clone().requires_grad_(), labels)
        (made[0] if isinstance(made, tuple) else made).backward()
        if isinstance(head, facezoo.HeadLoss):
            head.after_step()

    return step


def published(folder: Path, b: int, c: int, d: int) -> Iterator[tuple[str, str, Any, Any]]:
    for name, repository, revision, file, build, call in EACH:
        path = folder / repository.replace("/", "+") / file
        if path.exists():
            head = build(load(path), b, c, d)
            for memory in (buffer for buffer in head.buffers() if buffer.ndim == 2):
                memory.normal_()
            yield name, f"{repository}@{revision} {file}", head, call


def own(layout: Any, c: int, d: int) -> Iterator[tuple[str, str, Any, Any]]:
    for name in (entry.name for entry in installed_heads() if entry.status == "ok"):
        run = {"steps_per_epoch": 1, "total_steps": 10}
        head = facezoo.build(name, classes=c, dim=d, preset="paper", layout=layout, **run)
        head.reuse_gradient_buffer = layout == "streamed"
        fill(head, c)
        yield name, f"facezoo, {layout}", head, lambda h, x, y: h(x, y)


def count(step: Step, b: int, c: int) -> tuple[int, int]:
    """Peak in bytes, and passes, of the second step: the first makes what stays."""
    step()
    with AllocationMeter() as meter:
        step()
    share = 0.9  # so that a term over the batch's distinct identities is a pass, too
    with PassCounter(int(share * b * c)) as counter:
        step()
    return meter.peak_bytes, counter.passes


def measure(contenders: Iterator[Any], b: int, c: int, d: int) -> Iterator[dict[str, Any]]:
    problem = make_problem(b, c, d)
    for name, implementation, head, call in contenders:
        peak, passes = count(make_step(head, call, problem.embeddings, problem.labels), b, c)
        ratio = problem.matrices(peak, getattr(head, "reuse_gradient_buffer", False))
        yield {"head": name, "implementation": implementation, "peak": ratio, "passes": passes}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    for name, value in (("batch", 128), ("classes", 50_000), ("dim", 8), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sizes = options.batch, options.classes, options.dim
    contenders = (published(options.folder, *sizes), own("dense", *sizes[1:]), own("streamed", *sizes[1:]))
    print("| head | implementation | peak, B x C | passes |\n|---|---|---|---|")
    out, found = sys.stdout, 0
    with redirect_stdout(sys.stderr), mock.patch.object(Tensor, "cuda", lambda tensor, *_: tensor):
        for row in measure(chain(*contenders), *sizes):
            found += not row["implementation"].startswith("facezoo")
            line = "| {head} | {implementation} | {peak:.2f} | {passes} |".format(**row)
            print(json.dumps(row) if options.json else line, file=out, flush=True)
    print(f"{len(EACH) - found} of {len(EACH)} published implementations are left out: no checkout in FOLDER")


if __name__ == "__main__":
    main()
