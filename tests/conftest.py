"""What the tests outside the plug-ins have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_curves() -> Iterator[None]:
    """No run of these tests writes for TensorBoard; the tests of plugins/tensorboard switch it on again."""
    with pytest.MonkeyPatch.context() as patch:
        named = ["facezoo-tensorboard:tensorboard", *filter(None, [os.environ.get("FACEZOO_DISABLE")])]
        patch.setenv("FACEZOO_DISABLE", ",".join(named))
        yield
