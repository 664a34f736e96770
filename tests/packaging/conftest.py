"""Wheels of everything in the repository, and an environment that has only some of them."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable
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


@pytest.fixture(scope="session")
def clean(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Facezoo:
    """Run `facezoo` in a virtual environment of its own, into which only two wheels were installed.

    What facezoo depends on is linked into it from this environment, which saves a download of torch.
    """
    home = tmp_path_factory.mktemp("clean")
    run([sys.executable, "-m", "venv", "--without-pip", str(home)])
    python = home / "bin" / "python"
    site = Path(
        run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).stdout.strip()
    )
    for item in Path(sysconfig.get_path("purelib")).iterdir():
        if "facezoo" not in item.name.lower():
            (site / item.name).symlink_to(item)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    run(
        [
            *pip,
            "install",
            "--no-deps",
            "--no-index",
            "--quiet",
            str(wheels["facezoo"]),
            str(wheels["cosface"]),
        ]
    )

    def facezoo(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        # isolated from this process's PYTHONPATH and user site, which would let the checkout in
        command = [str(python), "-I", str(home / "bin" / "facezoo"), *args]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)

    return facezoo
