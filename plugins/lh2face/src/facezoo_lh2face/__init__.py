"""LH2Face for facezoo, reconstructed: settings and record; the loss itself is in `facezoo_lh2face.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from facezoo import HeadConfig, HeadSpec


class LH2FaceConfig(HeadConfig):
    """Settings of LH2Face's recognition part; reported defaults, else the reconstruction's."""

    margin: float = Field(
        default=0.35, ge=0, lt=1, description="The margin as a share of the batch's mean concentration κ"
    )
    kappa_scale: float = Field(
        default=1.0,
        gt=0,
        description="κ = kappa_scale ‖z‖. Raise it where the backbone's embeddings are far shorter than √D",
    )
    proxy: Literal["proxy_anchor", "nll"] = Field(
        default="proxy_anchor",
        description="Positive proxy term: proxy_anchor, or nll (the vMF negative log-likelihood)",
    )
    proxy_scale: float = Field(default=32.0, gt=0, description="α of the proxy terms")
    proxy_margin: float = Field(default=0.1, ge=0, lt=1, description="δ of the proxy terms")
    vmf_dim: int = Field(
        default=256,
        ge=16,
        description="n, dimension of the vMF distribution; acts with proxy = 'nll' only",
    )


spec = HeadSpec(
    name="lh2face",
    summary="LH2Face, reconstructed: vMF similarity, uncertainty-aware margin and proxy terms",
    config=LH2FaceConfig,
    factory="facezoo_lh2face.head:LH2Face",
    api_version=1,
    paper="Xie et al., LH2Face: Loss Function for Hard High-quality Face, 2025 (arXiv 2506.23555)",
    tags=("reconstructed", "uncertainty", "feature norm", "proxy"),
    presets={
        "paper": {"margin": 0.35, "vmf_dim": 256},
        "nll": {"proxy": "nll"},
        "small": {"margin": 0.25, "kappa_scale": 2.0, "proxy_scale": 4.0, "vmf_dim": 64},
    },
    properties=frozenset({"norms"}),
)
