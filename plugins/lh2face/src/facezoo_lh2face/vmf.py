"""The log-normaliser of the von Mises-Fisher distribution without Bessel functions.

From the uniform asymptotic expansion of I_ν for large order (Abramowitz & Stegun 9.7.7), three terms; with
ν = n/2 - 1, z = κ/ν, r = √(1+z²), ρ = z²/(1+r), t = 1/r and q(t) = u1(t)/ν + u2(t)/ν² + u3(t)/ν³,

    h_n(κ) = log c_n(κ) - log c_n(0) = -ν (ρ - log1p(ρ/2)) + ½ log r - (log1p q(t) - log1p q(1))
"""

from __future__ import annotations

import torch
from torch import Tensor


def log_normaliser(kappa: Tensor, dim: int) -> Tensor:
    """h_n(κ), elementwise, with gradient.

    Args:
        kappa: concentrations κ ≥ 0, any shape, float32 or float64.
        dim: n, dimension of the distribution; at least 16 (the expansion is in 1/ν).

    Its derivative is -A_n(κ), minus the mean resultant length. Relative error, largest for
    small n: 7e-5 for n = 16, 5e-7 for n = 40, 1e-9 for n = 128, 1e-11 for n = 256.

    """
    order = dim / 2 - 1
    ratio = kappa / order
    root = (1 + ratio * ratio).sqrt()
    rho = ratio * ratio / (1 + root)
    series = torch.log1p(_correction(1 / root, order)) - torch.log1p(
        _correction(torch.ones_like(root), order)
    )
    return -order * (rho - torch.log1p(rho / 2)) + 0.5 * root.log() - series


def _correction(t: Tensor, order: float) -> Tensor:
    """q(t), from Debye's polynomials u1, u2, u3 (Abramowitz & Stegun 9.3.9)."""
    u1 = (3 * t - 5 * t**3) / 24
    u2 = (81 * t**2 - 462 * t**4 + 385 * t**6) / 1152
    u3 = (30375 * t**3 - 369603 * t**5 + 765765 * t**7 - 425425 * t**9) / 414720
    return u1 / order + u2 / order**2 + u3 / order**3
