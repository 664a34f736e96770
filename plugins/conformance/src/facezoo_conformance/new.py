"""`facezoo new KIND NAME` and `facezoo new-head NAME`: the package of a plug-in, to start from.

Imports neither torch nor pydantic.
"""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Final

import click

from facezoo.errors import FacezooError
from facezoo.registry import API_VERSION, installed_plugins
from facezoo_cli.output import say, say_json
from facezoo_conformance.kinds import HEAD, KINDS, Kind

TEMPLATES: Final = Path(__file__).with_name("templates")
ALSO: Final = {"pyproject.toml": "description, dependencies; choose a licence"}


@click.group("new")
def group() -> None:
    """Write the package of a plug-in of your own, to start from."""


def _command(kind: Kind, called: str) -> click.Command:
    """The command that writes packages of a kind."""
    text = (
        f"Write the package of a {kind.word} of your own, to start from.\n\nFOLDER/facezoo-NAME gets "
        "an entry point, code, tests and a README; it can be installed and used as it is. An existing folder "
        "is left alone."
    )
    dest = click.Option(
        ["-o", "--out", "--dest", "dest"],
        type=click.Path(path_type=Path),
        default=Path(),
        metavar="FOLDER",
        help="Write it into FOLDER; here if not given.",
    )
    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print the folder and its files.")
    params = [click.Argument(["name"]), dest, as_json]
    return click.Command(called, callback=partial(_run, kind), help=text, params=params)


def _run(kind: Kind, name: str, dest: Path, as_json: bool) -> None:
    check_name(kind, name)
    folder = dest / distribution(name)
    if folder.exists() or folder.is_symlink():
        raise FacezooError(f"{folder}: exists already", "Choose another name, or another folder (--out).")
    try:
        _write(TEMPLATES / kind.name, folder, _words(name))
    except OSError as problem:
        message = f"{folder}: cannot be written ({problem.strerror})"
        raise FacezooError(message, "Choose another folder (--out).") from problem
    if as_json:
        files = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
        say_json({"folder": str(folder), "files": files})
    else:
        say("\n".join(_report(kind, name, folder)))


def distribution(name: str) -> str:
    """What the distribution and its folder are called."""
    return f"facezoo-{name.replace('_', '-')}"


def class_name(name: str) -> str:
    """What the plug-in's class is called: `my_head` gives `MyHead`."""
    return "".join(part.capitalize() for part in name.split("_"))


def check_name(kind: Kind, name: str) -> None:
    """FacezooError where a package of that name would not work, or hide another."""
    unfit = f"{name!r} cannot name a {kind.word}"
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        rule = "Take lower-case letters, digits and single underscores, a letter first"
        raise FacezooError(unfit, f"{rule}, as in {_near(kind, name)}.")
    taken = _imported(TEMPLATES / kind.name / "src")
    for word in (name, class_name(name), f"{class_name(name)}Config"):
        if keyword.iskeyword(word) or word in taken:
            whose = "is Python's" if keyword.iskeyword(word) else "is what its module imports"
            raise FacezooError(f"{unfit}: {word} {whose}", f"Choose another name, such as my_{name}.")
    for entry in installed_plugins(kind.group):
        if entry.name == name:
            message = f"{kind.word} {name!r} is there already: {entry.dist} {entry.version}"
            raise FacezooError(message, f"Choose another name, or uninstall {entry.dist}.")
    if found := find_spec(f"facezoo_{name}"):
        message = f"{unfit}: a module facezoo_{name} is there already"
        raise FacezooError(message, f"It is {found.origin}. Choose another name.")


def _imported(sources: Path) -> set[str]:
    """Every word in the imports of templates."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources.rglob("*.tmpl"))
    lines = re.findall(r"^ *(?:from \S+ )?import (.+)$", text, re.MULTILINE)
    return {word for line in lines for word in re.findall(r"\b\w+\b", line)}


def _near(kind: Kind, name: str) -> str:
    """A valid name close to `name`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789") or f"my_{kind.name}"


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


def _write(templates: Path, folder: Path, words: dict[str, str]) -> None:
    """Write the package beside its place, then put it there: it appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".new-") as making:
        for template in sorted(templates.rglob("*.tmpl")):
            place = template.relative_to(templates).as_posix().replace("NAME", words["name"])
            path = Path(making, folder.name, place.removesuffix(".tmpl"))
            path.parent.mkdir(parents=True, exist_ok=True)
            text = template.read_text(encoding="utf-8")
            path.write_text(Template(text).substitute(words), encoding="utf-8")
        Path(making, folder.name).rename(folder)


def _report(kind: Kind, name: str, folder: Path) -> Iterator[str]:
    yield f"{folder}: written"
    files = {path.format(name=name): what for path, what in {**kind.files, **ALSO}.items()}
    width = max(map(len, files)) + 4
    for path, what in files.items():
        yield f"  {path:<{width}}{what}"
    yield "It works as it is. Install it, check it, use it; edits count at once:"
    yield f"  pip install --editable {shlex.quote(str(folder))}"
    for line in kind.next:
        yield f"  {line.format(name=name)}"


for _kind in KINDS.values():
    group.add_command(_command(_kind, _kind.name))
new_head = _command(HEAD, "new-head")
