"""`facezoo new-head NAME`: the package of a head, to start from. Imports neither torch nor pydantic."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Final

import click

from facezoo.errors import FacezooError
from facezoo.registry import API_VERSION, installed_heads
from facezoo_cli.output import say

TEMPLATES: Final = Path(__file__).with_name("templates") / "head"
IMPORTED: Final = frozenset({"Tensor", "Batch", "Scores", "HeadContext", "Head"})
"""What the head's class may not be called, since its modules import it: `Head` would have a `HeadConfig`."""


@click.command("new-head")
@click.argument("name")
@click.option(
    "--dest",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Where to; here if not given.",
)
def command(name: str, dest: Path) -> None:
    """Write the package of a head of your own, to start from.

    The folder DIR/facezoo-NAME gets settings with a preset, a loss, tests and a README, and can be installed
    and trained as it is. An existing folder is left alone.
    """
    _check_name(name)
    folder = dest / distribution(name)
    if folder.exists() or folder.is_symlink():
        raise FacezooError(f"{folder}: exists already", "Choose another name, or another folder (--dest).")
    try:
        _write(folder, _words(name))
    except OSError as problem:
        message = f"{folder}: cannot be written ({problem.strerror})"
        raise FacezooError(message, "Choose another folder (--dest).") from problem
    say("\n".join(_report(name, folder)))


def distribution(name: str) -> str:
    """What the distribution and its folder are called."""
    return f"facezoo-{name.replace('_', '-')}"


def class_name(name: str) -> str:
    """What the head's class is called: `my_head` gives `MyHead`."""
    return "".join(part.capitalize() for part in name.split("_"))


def _check_name(name: str) -> None:
    """FacezooError where a package of that name would not work, or hide another."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        rule = "Take lower-case letters, digits and single underscores, a letter first"
        raise FacezooError(f"{name!r} cannot name a head", f"{rule}, as in {_near(name)}.")
    for word in (name, class_name(name)):
        if keyword.iskeyword(word) or word in IMPORTED:
            whose = "Python's" if keyword.iskeyword(word) else "facezoo's own"
            message = f"{name!r} cannot name a head: {word} is {whose}"
            raise FacezooError(message, f"Choose another name, such as {name}_margin.")
    for entry in installed_heads():
        if entry.name == name:
            message = f"head {name!r} is there already: {entry.dist} {entry.version}"
            raise FacezooError(message, f"Choose another name, or uninstall {entry.dist}.")
    if found := find_spec(f"facezoo_{name}"):
        message = f"{name!r} cannot name a head: a module facezoo_{name} is there already"
        raise FacezooError(message, f"It is {found.origin}. Choose another name.")


def _near(name: str) -> str:
    """A valid name close to `name`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789") or "my_head"


def _words(name: str) -> dict[str, str]:
    """What stands for the placeholders of the templates."""
    from packaging.version import Version

    from facezoo._version import installed_version

    major, minor = (*Version(installed_version()).release, 0)[:2]
    return {
        "name": name,
        "dist": distribution(name),
        "class_name": class_name(name),
        "requirement": f"facezoo>={major}.{minor},<{major}.{minor + 1}",
        "api_version": str(API_VERSION),
    }


def _write(folder: Path, words: dict[str, str]) -> None:
    """Write the package beside its place, then put it there: it appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".new-head-") as making:
        for template in sorted(TEMPLATES.rglob("*.tmpl")):
            place = template.relative_to(TEMPLATES).as_posix().replace("NAME", words["name"])
            path = Path(making, folder.name, place.removesuffix(".tmpl"))
            path.parent.mkdir(parents=True, exist_ok=True)
            text = template.read_text(encoding="utf-8")
            path.write_text(Template(text).substitute(words), encoding="utf-8")
        Path(making, folder.name).rename(folder)


def _report(name: str, folder: Path) -> Iterator[str]:
    place = shlex.quote(str(folder))
    yield f"{folder}: written"
    for path, what in {
        f"src/facezoo_{name}/head.py": "the loss, and its equations",
        f"src/facezoo_{name}/__init__.py": "settings, presets, the record",
        f"tests/test_{name}.py": "every check, and the equations once more",
        "pyproject.toml": "description, dependencies; choose a licence",
    }.items():
        yield f"  {path:<{len(name) + 28}}{what}"
    yield "It works as it is. Install it, check it, train it; edits count at once:"
    yield f"  pip install --editable {place}"
    yield f"  facezoo check-head {name}"
    yield f"  facezoo train --head {name}"
