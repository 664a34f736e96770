"""Run by an interpreter without facezoo: call what single distributions offer, each in a process of its own.

    python -I alone.py OWN '{"facezoo-cosface": ["folder of the unpacked wheel", ...], ...}'

OWN is the folder of facezoo's unpacked wheel. Prints a JSON object: what went wrong with each, "" where
nothing did. torch is imported once, before the processes part.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable

sys.path.insert(0, sys.argv[1])

import torch

import facezoo.training
from facezoo.registry import installed_plugins
from facezoo.registry.entries import HEADS, KINDS
from facezoo.registry.loading import import_entry


def call(dist: str) -> None:
    """Import everything that a distribution offers; its heads compute a loss."""
    found = {group: [entry for entry in installed_plugins(group) if entry.dist == dist] for group in KINDS}
    assert any(found.values()), "it offers nothing"
    for group, entries in found.items():
        for entry in entries:
            assert entry.status == "ok", entry.reason
            import_entry(entry, KINDS[group])
    for entry in found[HEADS]:
        loss = facezoo.build(entry.name, classes=5, dim=4, total_steps=10_000, steps_per_epoch=100)
        assert loss(torch.eye(4), torch.arange(4)).isfinite()


def in_a_process(action: Callable[[], None]) -> str:
    """What `action` raises in a copy of this process."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            action()
        except BaseException:  # noqa: BLE001  (it is told)
            os.write(writer, traceback.format_exc()[-4000:].encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.wait()
    return said


def alone(dist: str, sites: list[str]) -> None:
    """`call` it with the folders of unpacked wheels in front of the path."""
    sys.path[:0] = sites
    call(dist)


json.dump(
    {dist: in_a_process(lambda: alone(dist, sites)) for dist, sites in json.loads(sys.argv[2]).items()},  # noqa: B023
    sys.stdout,
)
