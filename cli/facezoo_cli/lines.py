"""What facezoo itself offers, one line per name, so that `--help` and the lists import none of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from facezoo.registry.compatibility import canonical
from facezoo.registry.entries import (
    BACKBONES,
    BENCHMARKS,
    COMMANDS,
    DATA,
    OWN,
    PluginEntry,
    installed_plugins,
)

LINES: Final[Mapping[str, Mapping[str, str]]] = {
    COMMANDS: {
        "train": "Train a head on a folder of faces and verify it.",
        "evaluate": "Evaluate a run, or embeddings from anywhere, with intervals.",
        "threshold": "Choose the threshold for a false accept rate, with its interval.",
        "data": "Look at sets of images, convert them or make them.",
        "list": "List what is installed: heads, backbones, commands and more.",
        "list-heads": "List the heads that are installed.",
        "show-head": "Show a head's settings, presets and source.",
        "show-checkpoint": "Show where a checkpoint comes from and what its weights expect.",
        "doctor": "Call everything and report what is broken.",
        "completion": "Print what makes a shell complete commands, heads, presets and runs.",
    },
    BACKBONES: {
        "small": "A small network for a processor: 1.4 M parameters at dim=128, size=64",
        "iresnet18": "IResNet-18, as insightface has it",
        "iresnet34": "IResNet-34, as insightface has it: 34.1 M parameters at dim=512, size=112",
        "iresnet50": "IResNet-50, as insightface has it: 43.6 M parameters at dim=512, size=112",
        "iresnet100": "IResNet-100, as insightface has it: 65.2 M parameters at dim=512, size=112",
        "mobilefacenet": "MobileFaceNet, as insightface has it",
    },
    DATA: {"folder": "a folder of identity folders, one for each person, with that person's images in it"},
    BENCHMARKS: {
        "lfw": "LFW's lists: pairs.txt (View 2, in its ten folds) and View 1",
        "csv": "any other list of pairs: CSV in its dialects, CALFW's and CPLFW's",
    },
}
"""Group -> name -> line; of commands in the order of `facezoo --help`. Tests hold it against the records and
the commands' own help.
"""


def described(group: str) -> list[PluginEntry]:
    """The entries of a group; the summary of one of facezoo's own is its line, not its distribution's."""
    lines = LINES.get(group, {})
    return [
        replace(entry, summary=lines.get(entry.name, "")) if canonical(entry.dist) == OWN else entry
        for entry in installed_plugins(group)
    ]
