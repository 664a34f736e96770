"""Checks of the distribution that offers a head."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distribution

from packaging.requirements import Requirement

from facezoo.registry import LoadedHead
from facezoo.registry.compatibility import canonical
from facezoo.registry.entries import HEADS
from facezoo_conformance.rules import head_check, require

GROUP = "packaging"

_IMPORT = """
import sys
from importlib.metadata import EntryPoint
EntryPoint(*sys.argv[1:]).load()
print("torch" in sys.modules)
"""


@head_check(GROUP)
def requirement(head: LoadedHead) -> None:
    """The distribution says in its dependencies which versions of facezoo it works with."""
    dist = head.entry.dist
    lines = [Requirement(line) for line in distribution(dist).requires or []]
    mine = [line for line in lines if canonical(line.name) == "facezoo"]
    require(
        any(str(line.specifier) for line in mine),
        f"{dist} names {'no version of' if mine else 'no'} facezoo in its dependencies; "
        'say for example dependencies = ["facezoo>=0.1,<0.2"]',
    )


@head_check(GROUP)
def no_torch(head: LoadedHead) -> None:
    """A fresh interpreter imports the head's record without importing torch."""
    command = [sys.executable, "-c", _IMPORT, head.entry.name, head.entry.value, HEADS]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(  # noqa: S603 (this interpreter, and an entry point from installed metadata)
        command, env=environment, capture_output=True, text=True, check=False
    )
    require(done.returncode == 0, f"{head.entry.value}: {done.stderr.strip().rpartition(chr(10))[2]}")
    require(
        done.stdout.split() == ["False"],
        f"importing {head.entry.value} imports torch: keep the head's class in a module of its own",
    )
