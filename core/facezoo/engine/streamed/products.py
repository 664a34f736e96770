"""Matrix products of the class engine, in float32 or with bfloat16 operands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache

import torch
from torch import Tensor

from facezoo.errors import FacezooError


def multiplies_bf16(device: torch.device) -> bool:
    """Whether `device` has instructions that multiply bfloat16, so that lower precision is faster too."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if not hasattr(torch.cpu, "get_capabilities") or not hasattr(torch.backends.mkldnn, "matmul"):
        return False  # an older torch can neither tell nor switch
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("amx_bf16") or abilities.get("avx512_bf16"))


@contextmanager
def _rounding_allowed() -> Iterator[None]:
    """Let oneDNN round operands to bfloat16. A process-wide switch, so it is set around these products
    alone.
    """
    setting = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before, setting.fp32_precision = setting.fp32_precision, "bf16"
    try:
        yield
    finally:
        setting.fp32_precision = before


@cache
def keeps_float32() -> bool:
    """Whether oneDNN does not round on this processor although it may.

    Without AMX it has no kernels that do, but takes over from the BLAS with float32 kernels of its own, on
    some processors nearly twice as fast. Tried, not assumed: rounded operands would be wrong by 1e-3.
    """
    if not multiplies_bf16(torch.device("cpu")) or torch.cpu.get_capabilities().get("amx_bf16"):
        return False
    left, right = torch.arange(2 * 256 * 512.0).sin().view(2, 256, 512)
    exact = left.double() @ right.T.double()
    with _rounding_allowed():
        found = left @ right.T
    return bool((found - exact).norm() < 1e-6 * exact.norm())


class Precision:
    """How products are computed: `"float32"`, or `"bf16"`, which lets operands be rounded to bfloat16.

    Sums stay float32, and so does everything but the products. An accelerator rounds; on a CPU oneDNN does
    where the processor has AMX. Where nothing multiplies bfloat16 products stay as they are and a warning
    says so once. Raises `FacezooError` for another name.
    """

    def __init__(self, name: str = "float32") -> None:
        if name not in ("float32", "bf16"):
            raise FacezooError(f"matmul_precision: {name!r} is unknown", "choose 'float32' or 'bf16'")
        self.name = name

    def lowers(self, tensor: Tensor) -> bool:
        """Whether products of `tensor` may have bfloat16 operands."""
        if self.name == "float32" or tensor.dtype != torch.float32:
            return False
        if not multiplies_bf16(tensor.device):
            warnings.warn(
                "matmul_precision 'bf16': not native on this processor, so float32 is used", stacklevel=2
            )
            self.name = "float32"
            return False
        return True

    @contextmanager
    def applied(self, like: Tensor) -> Iterator[Matmul]:
        """Matmul for tensors like this one. Autocast is off inside, so that no ambient setting lowers
        anything.
        """
        lowered = self.lowers(like)
        onednn = like.device.type == "cpu" and like.dtype == torch.float32 and (lowered or keeps_float32())
        with (
            torch.autocast(like.device.type, enabled=False),
            _rounding_allowed() if onednn else nullcontext(),
        ):
            yield Matmul(convert=lowered and not onednn)


class Matmul:
    """Matmul into existing tensors; `convert` rounds the operands to bfloat16 first."""

    def __init__(self, convert: bool) -> None:
        self.convert = convert

    def write(self, left: Tensor, right: Tensor, out: Tensor) -> Tensor:
        """left @ right into `out`."""
        return out.copy_(_rounded(left, right)) if self.convert else torch.mm(left, right, out=out)

    def add(self, left: Tensor, right: Tensor, total: Tensor) -> Tensor:
        """total += left @ right."""
        return total.add_(_rounded(left, right)) if self.convert else total.addmm_(left, right)


def _rounded(left: Tensor, right: Tensor) -> Tensor:
    return left.bfloat16() @ right.bfloat16()
