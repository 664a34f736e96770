"""Wheels of everything in the repository, and an environment that has only some of them."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.distributions import PLUGINS, build_wheel, run

ROOT = Path(__file__).parents[2]
Facezoo = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of every distribution by its folder's name, the root's by "facezoo"; built offline."""
    folder = tmp_path_factory.mktemp("wheels")
    plugins = [path.parent for path in PLUGINS]
    return {"facezoo": build_wheel(ROOT, folder)} | {path.name: build_wheel(path, folder) for path in plugins}


@dataclass(frozen=True)
class Environment:
    """A virtual environment that has what facezoo depends on, and of facezoo only what was installed."""

    home: Path

    @classmethod
    def made(cls, home: Path) -> Environment:
        """Make one; dependencies are linked into it from this environment: no second download of torch."""
        run([sys.executable, "-m", "venv", "--without-pip", str(home)])
        environment = cls(home)
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(run([str(environment.python), "-c", code]).stdout.strip())
        for item in Path(sysconfig.get_path("purelib")).iterdir():
            if "facezoo" not in item.name.lower():
                (site / item.name).symlink_to(item)
        return environment

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.home / "bin" / "python"

    def pip(self, command: str, *args: str, cwd: Path | None = None) -> None:
        """Run pip on it, offline; the command must succeed."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "--disable-pip-version-check"]
        offline = ["--no-deps", "--no-index", "--no-build-isolation"] if command == "install" else []
        run([*pip, command, *offline, "--quiet", *args], cwd=cwd, PYTHONPATH="")

    def pip_finds(self, *options: str) -> None:
        """Let pip resolve and find by these options alone, however it is configured; none names a host."""
        pip = [sys.executable, "-m", "pip", "--isolated", "--python", str(self.python), "install", "--quiet"]
        run([*pip, "--disable-pip-version-check", "--no-compile", *options], PYTHONPATH="")

    def facezoo(self, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run its `facezoo`, isolated from this process's PYTHONPATH and user site, which would let the
        checkout in.
        """
        command = [str(self.python), "-I", str(self.home / "bin" / "facezoo"), *args]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def clean(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Facezoo:
    """Run `facezoo` in a virtual environment of its own, into which only two wheels were installed."""
    environment = Environment.made(tmp_path_factory.mktemp("clean"))
    environment.pip("install", str(wheels["facezoo"]), str(wheels["cosface"]))
    return environment.facezoo


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtual environment with what facezoo depends on, and nothing of facezoo."""
    return Environment.made(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def bare(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtual environment of facezoo, the kit and a benchmark of classes, without a head."""
    environment = Environment.made(tmp_path_factory.mktemp("bare"))
    environment.pip("install", *(str(wheels[name]) for name in ("facezoo", "conformance", "uniform")))
    return environment
