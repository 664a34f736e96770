"""Time and memory of one head step (forward and backward to embeddings and class vectors) as ratios in one
run.

The floor is the three matrix products that any softmax over classes needs, into preallocated outputs. Memory
is the peak of live storages beyond the class vectors and their gradient, in units of one B x C float32
matrix. Peers run beside: the published way (normalise both sides, acos and cos on the target,
`F.cross_entropy`) and pytorch-metric-learning where it is installed.

    python tests/benchmarks/head_step.py --heads cosface,lh2face --rounds 5
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

import facezoo
from facezoo.registry import installed_heads
from facezoo.testing import AllocationMeter

Step = Callable[[], None]
LATE = 1_000_000  # a step past every start and warm-up


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    mode: str
    ratio: float
    spread: float
    milliseconds: float
    memory: float


@dataclass(frozen=True)
class Problem:
    """The sizes and tensors that every contender works on."""

    embeddings: Tensor
    labels: Tensor
    classes: int

    @property
    def matrix_bytes(self) -> int:
        return 4 * len(self.labels) * self.classes

    @property
    def vector_bytes(self) -> int:
        return 4 * self.embeddings.shape[1] * self.classes

    def matrices(self, peak_bytes: int, reused: bool) -> float:
        """A step's peak beyond the class vectors' gradient, in B x C matrices.

        The gradient is live while a step runs; with a `reused` buffer it is not allocated inside the step.
        """
        return (peak_bytes - (0 if reused else self.vector_bytes)) / self.matrix_bytes


def make_problem(batch: int, classes: int, dim: int) -> Problem:
    torch.manual_seed(0)
    return Problem(torch.randn(batch, dim), torch.randint(0, classes, (batch,)), classes)


def three_products(problem: Problem) -> Step:
    """cos = X W^T, dX = G W, dW = G^T X, with nothing allocated."""
    rows = F.normalize(problem.embeddings)
    weight = torch.randn(problem.classes, rows.shape[1]) * 0.01
    cos, to_rows, to_weight = (
        torch.empty(len(rows), problem.classes),
        torch.empty_like(rows),
        torch.empty_like(weight),
    )

    def step() -> None:
        torch.mm(rows, weight.T, out=cos)
        torch.mm(cos, weight, out=to_rows)
        torch.mm(cos.T, rows, out=to_weight)

    return step


def facezoo_step(problem: Problem, head: str, reuse: bool, precision: str) -> Step:
    """A head fully active: memories filled, schedules past their start."""
    loss = facezoo.build(
        head,
        classes=problem.classes,
        dim=problem.embeddings.shape[1],
        steps_per_epoch=1,
        total_steps=10,
        matmul_precision=precision,
    )
    loss.reuse_gradient_buffer = reuse
    fill(loss, problem.classes)

    def step() -> None:
        loss.zero_grad(set_to_none=True)
        loss(problem.embeddings.clone().requires_grad_(), problem.labels).backward()
        loss.after_step()

    return step


def fill(loss: facezoo.HeadLoss, classes: int) -> None:
    """Put a direction into every row of every memory, just now, and the step past every start."""
    for part in loss.modules():
        if isinstance(part, facezoo.ClassMemory):
            part.write(torch.arange(classes), torch.randn(part.rows.shape), step=LATE - 1)
    loss.step.fill_(LATE)


def published_arcface(problem: Problem) -> Step:
    """Normalise, acos and cos on a one-hot target, scale, cross-entropy: the usual implementation."""
    weight = (torch.randn(problem.classes, problem.embeddings.shape[1]) * 0.01).requires_grad_()

    def step() -> None:
        weight.grad = None
        rows = problem.embeddings.clone().requires_grad_()
        cos = F.linear(F.normalize(rows), F.normalize(weight)).clamp(-1 + 1e-7, 1 - 1e-7)
        margin = torch.zeros_like(cos).scatter_(1, problem.labels[:, None], 0.5)
        F.cross_entropy(64 * torch.cos(torch.acos(cos) + margin), problem.labels).backward()

    return step


def published_cosface(problem: Problem) -> Step:
    """Normalise, subtract the margin on a one-hot target, scale, cross-entropy."""
    weight = (torch.randn(problem.classes, problem.embeddings.shape[1]) * 0.01).requires_grad_()

    def step() -> None:
        weight.grad = None
        rows = problem.embeddings.clone().requires_grad_()
        cos = F.linear(F.normalize(rows), F.normalize(weight))
        margin = torch.zeros_like(cos).scatter_(1, problem.labels[:, None], 0.35)
        F.cross_entropy(64 * (cos - margin), problem.labels).backward()

    return step


def metric_learning(problem: Problem, name: str) -> Step | None:
    """The same loss of pytorch-metric-learning, or None where that is not installed."""
    try:
        from pytorch_metric_learning import losses
    except ImportError:
        return None
    loss = getattr(losses, name)(num_classes=problem.classes, embedding_size=problem.embeddings.shape[1])

    def step() -> None:
        loss.zero_grad(set_to_none=True)
        loss(problem.embeddings.clone().requires_grad_(), problem.labels).backward()

    return step


def measure(name: str, mode: str, step: Step, floor: Step, problem: Problem, rounds: int) -> Figure:
    """Median over pairs floor, step, floor, step, ...; then the memory of one more step."""
    floor()
    step()
    ratios, times = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        floor()
        middle = time.perf_counter()
        step()
        end = time.perf_counter()
        ratios.append((end - middle) / (middle - start))
        times.append(end - middle)
    with AllocationMeter() as meter:
        step()
    memory = problem.matrices(meter.peak_bytes, mode.startswith("kept"))
    spread = max(ratios) - min(ratios)
    return Figure(name, mode, statistics.median(ratios), spread, 1e3 * statistics.median(times), memory)


def contenders(problem: Problem, heads: list[str], peers: bool) -> Iterator[tuple[str, str, Step]]:
    """Name, mode and step of each, made one after the other: each holds class vectors of its own."""
    for head in heads:
        yield head, "recomputed", facezoo_step(problem, head, False, "float32")
        yield head, "kept", facezoo_step(problem, head, True, "float32")
        yield head, "kept, bf16", facezoo_step(problem, head, True, "bf16")
    if not peers:
        return
    yield "cosface, published way", "autograd", published_cosface(problem)
    yield "arcface, published way", "autograd", published_arcface(problem)
    for name in ("CosFaceLoss", "ArcFaceLoss", "SphereFaceLoss"):
        step = metric_learning(problem, name)
        if step is not None:
            yield f"pytorch-metric-learning {name}", "autograd", step


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    installed = [entry.name for entry in installed_heads() if entry.status == "ok"]
    parser.add_argument("--heads", default=",".join(installed))
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--classes", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    problem = make_problem(options.batch, options.classes, options.dim)
    floor = three_products(problem)
    print("| head | mode | time / three products | spread | ms | memory, B x C |\n|---|---|---|---|---|---|")
    for name, mode, step in contenders(problem, options.heads.split(","), options.peers):
        figure = measure(name, mode, step, floor, problem, options.rounds)
        if options.json:
            print(json.dumps(asdict(figure)))
        else:
            print(
                f"| {name} | {mode} | {figure.ratio:.2f} | {figure.spread:.2f} | {figure.milliseconds:.0f} "
                f"| {figure.memory:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
