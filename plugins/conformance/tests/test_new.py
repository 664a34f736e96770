"""`facezoo new KIND NAME`: for every kind a package that is tidy and passes its tests and checks as it is."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from facezoo import FacezooError
from facezoo_cli.main import cli
from facezoo_conformance.kinds import KINDS
from facezoo_conformance.new import TEMPLATES, check_name, class_name
from support.distributions import build_wheel, install
from support.faces import identity_folder
from support.pages import ROOT

NAMES = {kind: f"my_{kind}" for kind in KINDS}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A new package of each kind."""
    home = tmp_path_factory.mktemp("new")
    for kind, name in NAMES.items():
        result = CliRunner().invoke(cli, ["new", kind, name, "--dest", str(home)])
        assert result.exit_code == 0, result.output
    return {kind: home / f"facezoo-my-{kind}" for kind in KINDS}


@pytest.fixture(scope="module")
def site(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which all of them were installed."""
    home = tmp_path_factory.mktemp("site")
    for source in sources.values():
        install(build_wheel(source, home), home / "site")
    return home / "site"


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))


def test_json_names_the_files(invoke, tmp_path: Path):
    found = json.loads(invoke("new", "command", "mine", "-o", str(tmp_path), "--json").stdout)
    folder = Path(found["folder"])
    assert folder == tmp_path / "facezoo-mine"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(
        found["files"]
    )


def test_every_kind_has_templates():
    assert {folder.name for folder in TEMPLATES.iterdir()} == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_next_is_said_and_the_files_are_there(kind: str, invoke, tmp_path: Path):
    first, *lines = invoke("new", kind, "mine", "--dest", str(tmp_path)).stdout.splitlines()
    folder = tmp_path / "facezoo-mine"
    assert first == f"{folder}: written"
    place = lines.index("It works as it is. Install it, check it, use it; edits count at once:")
    assert lines[place + 1] == f"  pip install --editable {folder}"
    assert lines[place + 2 :]
    for line in lines[:place]:
        assert (folder / line.split()[0]).is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_to_fill_in_but_the_licence(kind: str, sources: dict[str, Path]):
    files = [path for path in sources[kind].rglob("*") if path.is_file()]
    assert {"README.md", "pyproject.toml", "__init__.py", f"test_my_{kind}.py"} <= {
        path.name for path in files
    }
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "$" not in text
        assert "NAME" not in text
        assert len(text.splitlines()) < 80
    text = (sources[kind] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    (group,) = project["entry-points"]
    assert (group, list(project["entry-points"][group])) == (KINDS[kind].group, [NAMES[kind]])
    assert "# license = " in text


def names_of(module: Path) -> set[str]:
    """What a module imports or defines, whatever it is in."""
    nodes = list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))
    imports = [each for each in nodes if isinstance(each, ast.Import | ast.ImportFrom)]
    found = {alias.asname or alias.name for each in imports for alias in each.names if "__" not in alias.name}
    return found | {each.name for each in nodes if isinstance(each, ast.ClassDef)}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "command"])
def test_no_name_hides_what_its_modules_need(kind: str, sources: dict[str, Path]):
    """The code of a command is not called what the command is called."""
    mine = {NAMES[kind], class_name(NAMES[kind]), f"{class_name(NAMES[kind])}Config"}
    for module in (sources[kind] / "src").rglob("*.py"):
        for word in names_of(module) - mine:
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).lower()
            if class_name(name) == word or kind == "backbone":
                with pytest.raises(FacezooError):
                    check_name(KINDS[kind], name)


def test_they_are_as_tidy_as_our_own(sources: dict[str, Path]):
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    code = [str(source / "src") for source in sources.values()]
    for command in (["check", *config, *code], ["format", "--check", *config, *map(str, sources.values())]):
        done = subprocess.run([sys.executable, "-m", "ruff", *command], capture_output=True, text=True)
        if "No module named ruff" in done.stderr:
            pytest.skip("ruff is not there")
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", ["backbone", "data", "benchmark"])
def test_it_passes_its_checks(kind: str, installed: None, invoke, tmp_path: Path):
    said = f"{NAMES[kind]}={identity_folder(tmp_path / 'faces')}" if kind == "benchmark" else NAMES[kind]
    result = invoke("check", kind, said)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{said}: facezoo-my-{kind} 0.1.0\n")


def test_its_command_is_one(installed: None, invoke, tmp_path: Path):
    (tmp_path / "Ann").mkdir()
    (tmp_path / "Ann" / "1.png").touch()
    assert invoke("my_command", str(tmp_path)).stdout == "Ann: 1 image\n"
    assert "my_command" in invoke("--help").stdout


@pytest.mark.slow
def test_their_own_tests_pass(sources: dict[str, Path], site: Path):
    code = "import sys, pytest; sys.path.insert(0, sys.argv[1]); sys.exit(pytest.main(sys.argv[2:]))"
    command = [sys.executable, "-c", code, str(site), "-q", "-p", "no:cacheprovider"]
    folders = [str(source) for source in sources.values()]
    done = subprocess.run([*command, *folders], cwd=site.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
