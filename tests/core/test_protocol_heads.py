"""Every head sketched in docs/protocol.md: layouts agree, gradients are right and finite, no B x C tensor."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from torch import nn

from facezoo.registry import API_VERSION, HeadConfig, HeadSpec, LoadedHead
from facezoo.registry.entries import PluginEntry
from facezoo.testing import HeadCheck, head_checks

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
CHECKS = ("gradient", "finite", "zero_rows", "layouts", "no_matrix")
"""Those of the kit that a sketch is held to; it has no distribution, no settings, and no guards for what a
plugin must bear, such as a batch of one image.
"""


def sketched_heads() -> list[str]:
    """Run the page's code as the module `protocol_page`, and name the heads in it."""
    page = sys.modules["protocol_page"] = ModuleType("protocol_page")
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        exec(compile(block, str(PAGE), "exec"), vars(page))
    return [
        name for name, each in vars(page).items() if inspect.isclass(each) and issubclass(each, nn.Module)
    ]


def checks_of(name: str) -> list[HeadCheck]:
    spec = HeadSpec(
        name=name,
        summary="A sketch",
        config=HeadConfig,
        factory=f"protocol_page:{name}",
        api_version=API_VERSION,
    )
    head = LoadedHead(PluginEntry(name, "docs/protocol.md", "0", "A sketch"), spec)
    return [check for check in head_checks(head) if check.name in CHECKS]


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, id=f"{name}-{check.name}")
        for name in sketched_heads()
        for check in checks_of(name)
    ],
)
def test_a_sketch(check: HeadCheck) -> None:
    check()
