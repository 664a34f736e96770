"""A network that takes hardly any time, and a folder for it to embed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from facezoo.data import Preprocessing
from facezoo.data.folder import find_images
from facezoo.runs.network import Network
from facezoo.settings import EvaluateSettings
from facezoo_embed.embed_folder import Embedded, embed_images
from support.faces import identity_folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return identity_folder(tmp_path_factory.mktemp("faces"), size=16)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """A network that takes no training and hardly any time."""
    checkpoint = tmp_path_factory.mktemp("checkpoint")
    (checkpoint / "model.safetensors").write_bytes(b"stands for the weights")
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 8)).eval()
    metadata = {"backbone": {"name": "tiny", "dim": 8}}
    return Network(checkpoint, metadata, backbone, Preprocessing(16, "as stored"), EvaluateSettings())


@pytest.fixture
def embed(network: Network, data: Path) -> Callable[..., Embedded]:
    """Embed `data`, or another folder, in batches of five."""

    def embedded(out: Path, root: Path = data, **options):
        return embed_images(network, find_images(root), out, **{"flip": False, "batch_size": 5, **options})

    return embedded
