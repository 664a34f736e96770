"""The kinds of plug-in that `facezoo new` writes and `facezoo check` checks. Imports none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from facezoo.registry import entries


@dataclass(frozen=True)
class Kind:
    """One kind of plug-in. In texts, `{name}` stands for the plug-in's name."""

    name: str
    """Its word in commands; its templates are in the folder of that name."""
    group: str
    files: Mapping[str, str]
    """What each file of a new package is for."""
    next: tuple[str, ...]
    """The command lines that come after the installation."""
    checks: str = ""
    """The module whose function `checks` gives those of one plug-in; empty where there are none."""
    argument: str = "NAME"
    """What `facezoo check` takes, in its usage."""
    checked: str = ""
    """What the help of `facezoo check` says of the argument, and of how the plug-in is checked."""

    @property
    def word(self) -> str:
        """What messages call one of them, such as "data source"."""
        return entries.KINDS[self.group]


HEAD: Final = Kind(
    "head",
    entries.HEADS,
    files={
        "src/facezoo_{name}/head.py": "the loss, and its equations",
        "src/facezoo_{name}/__init__.py": "settings, presets, the record",
        "tests/test_{name}.py": "every check, and the equations once more",
    },
    next=("facezoo check head {name}", "facezoo train --head {name}"),
    checks="facezoo_conformance.heads.kit",
    checked="NAME is a head, or DIST:HEAD where two distributions offer the same name. Every check runs "
    "under the head's defaults, every preset and every choice of a setting, fresh and fully active.",
)
BACKBONE: Final = Kind(
    "backbone",
    entries.BACKBONES,
    files={
        "src/facezoo_{name}/__init__.py": "the network, and the function that makes it",
        "tests/test_{name}.py": "every check, and sizes that are refused",
    },
    next=("facezoo check backbone {name}", "facezoo train --set backbone.name={name}"),
    checks="facezoo_conformance.backbones",
    checked="NAME is a backbone, or DIST:BACKBONE where two distributions offer the same name. It is built, "
    "and embeds images, for two dimensions and for usual sizes of images that it serves.",
)
DATA: Final = Kind(
    "data",
    entries.DATA,
    files={
        "src/facezoo_{name}/__init__.py": "the record: name, summary, what it claims",
        "src/facezoo_{name}/images.py": "the images: names, labels, what is read",
        "tests/test_{name}.py": "every check, and what the images are",
    },
    next=("facezoo check data {name}", "facezoo train --data {name} --head HEAD"),
    checks="facezoo_conformance.data",
    argument="SRC",
    checked="SRC is what `--data` would be: the name of an installed source or, where it reads something, "
    "NAME:PATH. Of many images some are read.",
)
BENCHMARK: Final = Kind(
    "benchmark",
    entries.BENCHMARKS,
    files={
        "src/facezoo_{name}/__init__.py": "the record: name, summary, what it claims",
        "src/facezoo_{name}/benchmark.py": "images, and what their embeddings are worth",
        "tests/test_{name}.py": "every check, and figures of known embeddings",
    },
    next=("facezoo check benchmark {name}=FOLDER", "facezoo evaluate RUN --benchmark {name} --data FOLDER"),
    checks="facezoo_conformance.benchmarks",
    argument="NAME[=PATH]",
    checked="NAME is a benchmark, or DIST:BENCHMARK where two distributions offer the same name; PATH is the "
    "list or the images that it reads. It is given made-up embeddings, and no image is decoded.",
)
COMMAND: Final = Kind(
    "command",
    entries.COMMANDS,
    files={
        "src/facezoo_{name}/__init__.py": "the command: arguments, help, what it does",
        "tests/test_{name}.py": "what it prints, and what it refuses",
    },
    next=("facezoo {name} --help",),
)
KINDS: Final = {kind.name: kind for kind in (HEAD, BACKBONE, DATA, BENCHMARK, COMMAND)}
"""Each kind by its name."""
