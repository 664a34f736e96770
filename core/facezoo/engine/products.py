"""Matrix products of the class engine, in float32 or with bfloat16 operands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

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


class Precision:
    """How products are computed: `"float32"`, or `"bf16"`, which lets operands be rounded to bfloat16.

    Sums stay float32, and so does everything but the products. An accelerator rounds. On a CPU the choice is
    oneDNN's: with AMX it rounds; with AVX512-BF16 alone it keeps float32 operands, in kernels of its own that
    are still faster. Where the processor has neither, products stay as they are and a warning says so once.
    Raises `FacezooError` for another name.
    """

    def __init__(self, name: str = "float32") -> None:
        if name not in ("float32", "bf16"):
            raise FacezooError(f"matmul_precision: {name!r} is unknown", "choose 'float32' or 'bf16'")
        self.name = name

    def lowers(self, tensor: Tensor) -> bool:
        """Whether products of `tensor` have bfloat16 operands."""
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
    def applied(self, like: Tensor) -> Iterator[Products]:
        """Products for tensors like this one. Autocast is off inside, so that no ambient setting lowers
        anything.
        """
        lowered = self.lowers(like)
        on_cpu = like.device.type == "cpu"
        with torch.autocast(like.device.type, enabled=False):
            if not (lowered and on_cpu):
                yield Products(lowered)
                return
            # A process-wide switch, so it is set for these products alone.
            setting = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
            before, setting.fp32_precision = setting.fp32_precision, "bf16"
            try:
                yield Products(False)
            finally:
                setting.fp32_precision = before


class Products:
    """Products into existing tensors; `convert` rounds the operands to bfloat16 first."""

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
