"""Fixtures for tests that install distributions."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.distributions import Distribution

Installer = Callable[[Distribution], Path]


@pytest.fixture(scope="session", autouse=True)
def no_curves() -> Iterator[None]:
    """No run of these tests writes for TensorBoard; the tests of plugins/tensorboard switch it on again."""
    with pytest.MonkeyPatch.context() as patch:
        named = ["facezoo-tensorboard:tensorboard", *filter(None, [os.environ.get("FACEZOO_DISABLE")])]
        patch.setenv("FACEZOO_DISABLE", ",".join(named))
        yield


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installer:
    """Lay a distribution out once a session, as an installer does; gives the folder to put on the path."""
    root = tmp_path_factory.mktemp("distributions")
    sites: dict[str, Path] = {}

    def get(dist: Distribution) -> Path:
        if dist.name not in sites:
            sites[dist.name] = dist.lay_out(root / dist.name)
        return sites[dist.name]

    return get


@pytest.fixture
def with_installed(installed: Installer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put installed distributions in front of this process's path until the test ends; then forget them."""

    def use(*dists: Distribution) -> None:
        for dist in reversed(dists):
            monkeypatch.syspath_prepend(str(installed(dist)))

    yield use
    for name in [name for name in sys.modules if name.startswith("fixture_")]:
        del sys.modules[name]
