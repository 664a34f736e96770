"""What every distribution must hold to that offers a plug-in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import distribution

from packaging.requirements import Requirement

from facezoo.registry import PluginEntry
from facezoo.registry.compatibility import canonical
from facezoo_conformance.rules import Rules, S, require

GROUP = "packaging"

_IMPORT = """
import sys
from importlib.metadata import EntryPoint
EntryPoint(*sys.argv[1:]).load()
print(*sorted({"torch", "numpy"} & set(sys.modules)))
"""


def enter_requirement(rules: Rules[S]) -> None:
    """Enter `requirement`, which any plug-in must pass."""

    def requirement(subject: S) -> None:
        """The distribution says in its dependencies which versions of facezoo it works with."""
        _require_versions(subject.entry.dist)

    rules.check(GROUP)(requirement)


def enter_no_torch(rules: Rules[S], group: str) -> None:
    """Enter `no_torch`, which whatever is offered as a record in the entry-point group `group` must pass."""

    def no_torch(subject: S) -> None:
        """A fresh interpreter imports the record without importing torch."""
        _require_light(subject.entry, group, ("torch",))

    rules.check(GROUP)(no_torch)


def enter_light_record(rules: Rules[S], group: str) -> None:
    """Enter `light_record`, which a record must pass that is read wherever settings are."""

    def light_record(subject: S) -> None:
        """A fresh interpreter imports the record without importing torch or NumPy."""
        _require_light(subject.entry, group, ("torch", "numpy"))

    rules.check(GROUP)(light_record)


def _require_versions(dist: str) -> None:
    lines = [Requirement(line) for line in distribution(dist).requires or []]
    mine = [line for line in lines if canonical(line.name) == "facezoo"]
    require(
        any(str(line.specifier) for line in mine) or canonical(dist) == "facezoo",
        f"{dist} names {'no version of' if mine else 'no'} facezoo in its dependencies; "
        'say for example dependencies = ["facezoo>=0.1,<0.2"]',
    )


def _require_light(entry: PluginEntry, group: str, heavy: Sequence[str]) -> None:
    command = [sys.executable, "-c", _IMPORT, entry.name, entry.value, group]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(  # noqa: S603 (this interpreter, and an entry point from installed metadata)
        command, env=environment, capture_output=True, text=True, check=False
    )
    require(done.returncode == 0, f"{entry.value}: {done.stderr.strip().rpartition(chr(10))[2]}")
    found = [module for module in heavy if module in done.stdout.split()]
    message = f"importing {entry.value} imports {' and '.join(found)}"
    require(not found, f"{message}: keep what needs it in a module of its own")
