"""Tiny distributions that tests really install: written out, built into a wheel, unpacked into a folder."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import hatchling.build

PLUGINS = sorted((Path(__file__).parents[2] / "plugins").glob("*/pyproject.toml"))


def plugins_offering(group: str) -> list[str]:
    """The folders in `plugins` whose distributions have entry points of a group, by name."""
    projects = {path.parent.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in PLUGINS}
    return [name for name, text in projects.items() if group in text["project"].get("entry-points", {})]


@dataclass(frozen=True)
class Distribution:
    """The source of one distribution: modules by name, entry points by group and name."""

    name: str
    modules: Mapping[str, str]
    entry_points: Mapping[str, Mapping[str, str]]
    version: str = "1.0"
    summary: str = "Made for a test"
    requires: tuple[str, ...] = field(default=("facezoo>=0.1,<0.2",))

    def write(self, folder: Path) -> Path:
        """Write the source tree into `folder`."""
        folder.mkdir(parents=True)
        for name, text in self.modules.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        (folder / "pyproject.toml").write_text(self._pyproject(), encoding="utf-8")
        return folder

    def lay_out(self, site: Path) -> Path:
        """Put the modules and their metadata into `site` as an installer does, and more quickly."""
        about = site / f"{self.name.replace('-', '_')}-{self.version}.dist-info"
        about.mkdir(parents=True)
        for name, text in self.modules.items():
            (site / f"{name}.py").write_text(text, encoding="utf-8")
        lines = ["Metadata-Version: 2.1", f"Name: {self.name}", f"Version: {self.version}"]
        lines += [f"Summary: {self.summary}", *(f"Requires-Dist: {line}" for line in self.requires)]
        (about / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
        groups = [
            "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in points.items())])
            for group, points in self.entry_points.items()
        ]
        (about / "entry_points.txt").write_text("\n\n".join(groups) + "\n", encoding="utf-8")
        return site

    def _pyproject(self) -> str:
        lines = [
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n',
            f'[project]\nname = "{self.name}"\nversion = "{self.version}"\ndescription = "{self.summary}"',
            f"dependencies = {list(self.requires)!r}\n",
        ]
        for group, points in self.entry_points.items():
            lines.append(f'[project.entry-points."{group}"]')
            lines += [f'{name} = "{value}"' for name, value in points.items()]
        only = [f"{name}.py" for name in self.modules]
        lines.append(f"[tool.hatch.build.targets.wheel]\nonly-include = {only!r}")
        return "\n".join(lines) + "\n"


def build_wheel(source: Path, wheels: Path) -> Path:
    """Build the wheel of the project in `source`, offline, into `wheels`."""
    with contextlib.chdir(source):
        return wheels / hatchling.build.build_wheel(str(wheels))


def install(wheel: Path, site: Path) -> Path:
    """Install a wheel into the folder `site`: pip does no more for pure Python than unpack it there."""
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run(command: list[str], cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed; its output is in the failure where it does not."""
    done = subprocess.run(command, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def facezoo(*args: str, sites: tuple[Path, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, with `sites` in front of what is installed."""
    path = os.pathsep.join([*map(str, sites), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    command = [sys.executable, "-m", "facezoo_cli", *args]
    environment = os.environ | {"PYTHONPATH": path} | env
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
