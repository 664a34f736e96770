"""The pages of the documentation do what they say: their blocks are run, in order, one folder a page.

- `python` blocks of a page share one namespace.
- A block below a line that is a path and a colon is that file: it is written, not run.
- In `console` blocks, `$ facezoo ...` runs in this process, and its output must be as shown (`...` stands for
  anything). Its exit code must be 2 where the output shown begins with `Error:`, 1 where it has a check that
  failed, else 0.
- `<!-- tested with: ARGUMENTS -->` before a block makes its runs short; figures may then differ.
- `$ pip install FOLDER` really installs what the page wrote; what is written into its `src` later counts at
  once, as with `--editable`. `$ python -m pytest FOLDER` runs its tests. Targets of the Makefile, folders and
  extras that commands name must exist. Any other command fails the test.
- A folder `faces` of identity folders, and one called `held-out` with `pairs.csv` in it, lie ready.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from _pytest.mark import ParameterSet
from click.testing import CliRunner

from facezoo_cli.main import cli
from support.distributions import build_wheel, install, run
from support.faces import identity_folder, pairs_csv
from support.pages import PAGES, ROOT, Block, Command, blocks, commands, matches, name_of

EXECUTED_ELSEWHERE = {"protocol.md"}  # tests/core/test_protocol_heads.py does, and checks every head on it
LONG = {"docs/writing-a-head.md", "docs/plots.md", "plugins/plot/README.md"}
"""What checks head after head, or measures several, takes longer than all other pages together."""


class Reader:
    """Somebody who follows a page from top to bottom, in the current folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def follow(self, block: Block) -> None:
        if block.file:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            forget_modules(Path.cwd())
        elif block.language == "python":
            # as many empty lines as precede the block, so that a traceback gives the page's line
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, "page", "exec"), self.names)
        elif block.language == "console":
            for command in commands(block):
                self.obey(command, block.tested_with)

    def obey(self, command: Command, tested_with: list[str] | None) -> None:
        words = shlex.split(command.text, comments=True)
        settings = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        words = words[len(settings) :]
        if words[0] == "make":
            self.make(words[1], command, tested_with)
        elif words[0] == "facezoo":
            self.facezoo(words[1:], command, tested_with, settings)
        elif words[:2] == ["pip", "install"]:
            self.install(words[2:])
        elif words[:3] == ["python", "-m", "pytest"]:
            run([sys.executable, *words[1:], "-q"], PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        else:
            assert words == [".", ".venv/bin/activate"], f"nobody checks `{command.text}`"
            assert "VENV := .venv\n" in (ROOT / "Makefile").read_text(encoding="utf-8")

    def make(self, target: str, command: Command, tested_with: list[str] | None) -> None:
        recipe = recipe_of(target)
        if command.shown:
            (line,) = [line for line in recipe.splitlines() if line.startswith(".venv/bin/facezoo ")]
            self.facezoo(shlex.split(line)[1:], command, tested_with, {})

    def facezoo(
        self, words: list[str], command: Command, tested_with: list[str] | None, env: dict[str, str]
    ) -> None:
        result = CliRunner().invoke(cli, words + (tested_with or []), prog_name="facezoo", env=env)
        said = f"line {command.line}: $ {command.text}\n{result.output}"
        failed = re.search(r"^  failed ", command.shown, re.MULTILINE)
        expected = 2 if command.shown.startswith("Error:") else 1 if failed else 0
        assert result.exit_code == expected, f"{said}\n{result.exception!r}"
        if command.shown:
            assert matches(command.shown, result.output, varying=tested_with is not None), said

    def install(self, words: list[str]) -> None:
        """Install what the page wrote; of the checkout, only see that it is there."""
        for word in (word for word in words if not word.startswith("-")):
            source = Path(word)
            if (source / "pyproject.toml").is_file():
                site = Path("site", source.name).resolve()
                install(build_wheel(source, Path.cwd()), site)
                self.monkeypatch.syspath_prepend(str(site))
                if (source / "src").is_dir():
                    self.monkeypatch.syspath_prepend(str((source / "src").resolve()))
            else:
                check_installable(word)


def forget_modules(folder: Path) -> None:
    """Forget what was imported from below a folder, so that it is imported anew."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


def recipe_of(target: str) -> str:
    """What `make TARGET` would do; fails where there is no such target."""
    if shutil.which("make") is None:
        pytest.skip("make is not there")
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_installable(word: str) -> None:
    path, _, extras = word.partition("[")
    assert (ROOT / path).exists(), f"pip install {word}: {path} is not in the checkout"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = set(extras.removesuffix("]").split(",")) - {""}
    assert asked <= project["optional-dependencies"].keys(), f"pip install {word}"


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    identity_folder(tmp_path / "faces")
    pairs_csv(identity_folder(tmp_path / "held-out"))
    monkeypatch.chdir(tmp_path)
    # a module that is replaced within a second would be taken for what was compiled before
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield Reader(monkeypatch)
    forget_modules(tmp_path)


def marked(page: Path) -> ParameterSet:
    """A page as a parameter; a long one is slow."""
    return pytest.param(page, id=name_of(page), marks=[pytest.mark.slow] if name_of(page) in LONG else [])


@pytest.mark.parametrize("page", [marked(page) for page in PAGES])
def test_the_page_does_what_it_says(page: Path, reader: Reader):
    for block in blocks(page):
        if block.language != "python" or page.name not in EXECUTED_ELSEWHERE:
            reader.follow(block)


PLUGIN_PAGES = sorted((ROOT / "plugins").glob("*/README.md"))


@pytest.mark.parametrize("page", [marked(page) for page in PLUGIN_PAGES])
def test_a_plugins_page_does_what_it_says(page: Path, reader: Reader):
    for block in blocks(page):
        if block.language in {"python", "console"}:
            reader.follow(block)
        for line in block.text.splitlines():
            if line.startswith(
                "facezoo train "
            ):  # settings and presets exist; whether it trains is tested elsewhere
                result = CliRunner().invoke(cli, [*shlex.split(line)[1:], "--dry-run"])
                assert result.exit_code == 0, f"{line}\n{result.output}"


def test_shown_output_is_compared():
    assert matches("a\n...\nb ...", "a\n1\n2\nb is c\n")
    assert not matches("a\nb", "a\nc")
    assert not matches("a", "a\nb")
    assert not matches("loss 1.5", "loss 2.5")
    assert matches("loss 1.5  on cpu in bf16", "loss 12.25 on cuda in float32", varying=True)
    assert not matches("loss 1.5", "gain 1.5", varying=True)
