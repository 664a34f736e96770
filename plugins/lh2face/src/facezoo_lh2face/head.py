"""LH2Face, recognition part (Xie et al., arXiv 2506.23555), reconstructed: its equations are not all public.

Documented: the vMF log-density as similarity, an uncertainty-aware margin of 0.35 of the mean norm, three
proxy terms. Everything below is derived from that for this project. With κ_i = kappa_scale ‖z_i‖ and
m = 0.35 mean_i κ_i held constant, c_ij = cos θ_ij, P⁺ the identities of the batch and P all identities:

    L     = L_vMF + L_pps + L_pns + L_pp
    L_vMF = mean_i CE(κ_i c_ij - m·1[j=y])                     the normaliser log c_n(κ_i) cancels over j
    L_pps = mean_{p∈P⁺} log(1 + Σ_{i:y_i=p} e^{-α(c_ip - δ)})      or, with proxy = "nll",
    L_pps = -mean_i [ h_n(κ_i) + κ_i c_iy ]                    where the normaliser does act
    L_pns = mean_{p∈P}  log(1 + Σ_{i:y_i≠p} e^{α(c_ip + δ)})
    L_pp  = mean_{p∈P⁺} log(1 + Σ_{q≠p} e^{α(μ_p·μ_q + δ)})

The proxy terms follow Proxy-Anchor (Kim et al., CVPR 2020). L_vMF is CosFace with scale κ_i and margin m/κ_i.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import hold, margins
from facezoo_lh2face.vmf import log_normaliser

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_lh2face import LH2FaceConfig


class LH2Face(nn.Module):
    """`loss(batch, scores)` of LH2Face's recognition part; see the module's docstring."""

    def __init__(self, config: LH2FaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config

    def loss(self, batch: Batch, scores: Scores) -> dict[str, Tensor]:
        """The terms `vmf`, `pps`, `pns` and `pp`, 0-d each."""
        config = self.config
        kappa = config.kappa_scale * batch.norms
        own, group = torch.unique(batch.labels, return_inverse=True)
        proxies = scores.rows(scores.vectors(own), own)
        scale, shift = config.proxy_scale, config.proxy_scale * config.proxy_margin
        others, far, close = scores.reduce(
            scores.logsumexp_term(scale=kappa),
            scores.columns_term(scale=scale, shift=shift, then=margins.softplus),
            proxies.logsumexp_term(scale=scale, shift=shift),
        )
        target = kappa * scores.target - config.margin * hold(kappa.mean())
        return {
            "vmf": margins.softplus(others - target).mean(),
            "pps": self.positive(scores.target, kappa, group, len(own)),
            "pns": far / scores.classes,
            "pp": margins.softplus(close).mean(),
        }

    def positive(self, target: Tensor, kappa: Tensor, group: Tensor, groups: int) -> Tensor:
        """L_pps: draws each sample to its proxy."""
        config = self.config
        if config.proxy == "nll":
            return -(log_normaliser(kappa, config.vmf_dim) + kappa * target).mean()
        pull = -config.proxy_scale * (target - config.proxy_margin)
        return margins.softplus(grouped_logsumexp(pull, group, groups)).mean()


def grouped_logsumexp(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """Log-sum-exp [groups] of the values [B] of each group; `group` [B] int64 names it, none is empty."""
    peak = values.new_full((groups,), -math.inf).scatter_reduce(0, group, hold(values), "amax")
    scaled = (values - peak[group]).exp()
    return peak + torch.zeros_like(peak).index_add(0, group, scaled).log()
