"""`facezoo new-head`: a package that works as it is, names that would not, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.distributions import build_wheel, facezoo, install
from support.fixtures import PLAIN

FILES = {
    "README.md",
    "pyproject.toml",
    "src/facezoo_my_margin/__init__.py",
    "src/facezoo_my_margin/head.py",
    "tests/test_my_margin.py",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of `my_margin`, as it was written."""
    home = tmp_path_factory.mktemp("new")
    done = facezoo("new-head", "my_margin", "--dest", str(home))
    assert done.returncode == 0, done.stderr
    return home / "facezoo-my-margin"


@pytest.fixture(scope="module")
def site(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package was installed."""
    home = tmp_path_factory.mktemp("site")
    return install(build_wheel(source, home), home / "site")


def test_it_writes_a_package_and_says_what_comes_next(invoke, tmp_path: Path):
    result = invoke("new-head", "my_margin", "--dest", str(tmp_path / "my heads"))
    assert result.exit_code == 0, result.output
    folder = tmp_path / "my heads" / "facezoo-my-margin"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["facezoo-my-margin"]
    first, *_, install_it, check, train = result.stdout.splitlines()
    assert first == f"{folder}: written"
    assert install_it == f"  pip install --editable '{folder}'"
    assert (check, train) == ("  facezoo check head my_margin", "  facezoo train --head my_margin")
    named = {line.split()[0] for line in result.stdout.splitlines()[1:5]}
    assert named < FILES


def test_it_is_shown_and_checked_like_any_head(invoke, site: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(site))
    shown = invoke("show-head", "my_margin").stdout
    assert shown.startswith("my_margin: MyMargin: an additive margin on the target cosine\n")
    assert "  small: scale = 24.0, margin = 0.15\n" in shown
    result = invoke("check-head", "my_margin", "-k", "presets")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "my_margin: facezoo-my-margin 0.1.0")


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("MyMargin", "'MyMargin' cannot name a head", "a letter first, as in mymargin."),
        ("my-margin", "'my-margin' cannot name a head", "as in my_margin."),
        ("my__margin_", "'my__margin_' cannot name a head", "as in my_margin."),
        ("4th", "'4th' cannot name a head", "as in th."),
        ("é", "'é' cannot name a head", "as in my_head."),
        ("../mine", "'../mine' cannot name a head", "as in mine."),
        ("", "'' cannot name a head", "as in my_head."),
        ("lambda", "'lambda' cannot name a head: lambda is Python's", "such as my_lambda."),
        ("none", "'none' cannot name a head: None is Python's", "such as my_none."),
        (
            "tensor",
            "'tensor' cannot name a head: Tensor is what its module imports",
            "such as my_tensor.",
        ),
        ("head", "'head' cannot name a head: HeadConfig is what its module imports", "such as my_head."),
        ("plain", "head 'plain' is there already: facezoo-plain 1.0", "or uninstall facezoo-plain."),
        ("cli", "'cli' cannot name a head: a module facezoo_cli is there already", "Choose another name."),
    ],
)
def test_a_name_that_would_not_work_is_refused(with_installed, invoke, tmp_path, name, message, hint):
    with_installed(PLAIN)
    result = invoke("new-head", name, "--dest", str(tmp_path))
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first == f"Error: {message}"
    assert second.endswith(hint)
    assert not list(tmp_path.iterdir())


def test_a_head_that_is_switched_off_is_there_all_the_same(with_installed, invoke, tmp_path, monkeypatch):
    with_installed(PLAIN)
    monkeypatch.setenv("FACEZOO_DISABLE", "plain")
    assert "'plain' is there already" in invoke("new-head", "plain", "--dest", str(tmp_path)).stderr


def identity_of(path: Path) -> tuple[int, ...]:
    found = path.lstat()  # without its times of access: a link is read by whoever follows it
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns


def a_folder(path: Path) -> None:
    path.mkdir()


def a_file(path: Path) -> None:
    path.write_text("mine", encoding="utf-8")


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("make", [a_folder, a_file, a_link_to_nothing])
def test_what_is_there_is_left_alone(invoke, tmp_path: Path, make: Callable[[Path], None]):
    there = tmp_path / "facezoo-mine"
    make(there)
    before = identity_of(there)
    result = invoke("new-head", "mine", "--dest", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {there}: exists already\nHint: ")
    assert identity_of(there) == before
    assert list(tmp_path.iterdir()) == [there]


def test_a_place_that_cannot_be_written_is_an_error(invoke, tmp_path: Path):
    (tmp_path / "file").touch()
    result = invoke("new-head", "mine", "--dest", str(tmp_path / "file"))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path / 'file' / 'facezoo-mine'}: cannot be written (")


def test_nothing_half_written_stays(invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write = Path.write_text

    def full(path: Path, *args: str, **options: str) -> int:
        if path.name == "head.py":
            raise OSError(28, "No space left on device")
        return write(path, *args, **options)

    monkeypatch.setattr(Path, "write_text", full)
    result = invoke("new-head", "mine", "--dest", str(tmp_path))
    assert result.exit_code == 2
    assert "facezoo-mine: cannot be written (No space left on device)" in result.stderr
    assert not list(tmp_path.iterdir())


def test_nothing_heavy_is_imported(tmp_path: Path):
    code = (
        "import sys; from facezoo_cli.main import cli;"
        f"cli.main(['new-head', 'mine', '--dest', {str(tmp_path)!r}], standalone_mode=False);"
        "print(sorted({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
