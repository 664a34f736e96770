"""Every wheel builds, offline, and holds what it should and nothing else."""

from __future__ import annotations

import sys
import tomllib
from configparser import ConfigParser
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from facezoo.registry.entries import HEADS, HOOKS
from support.distributions import PLUGINS, plugins_offering, run

ROOT = Path(__file__).parents[2]
NAMES = [path.parent.name for path in PLUGINS if path.parent.name != "all"]


def names(wheel: Path) -> list[str]:
    return ZipFile(wheel).namelist()


def meta(wheel: Path, file: str) -> bytes:
    archive = ZipFile(wheel)
    return archive.read(next(name for name in archive.namelist() if name.endswith(f".dist-info/{file}")))


def metadata(wheel: Path) -> Message:
    return message_from_bytes(meta(wheel, "METADATA"))


def entry_points(wheel: Path) -> dict[str, dict[str, str]]:
    parser = ConfigParser()
    parser.read_string(meta(wheel, "entry_points.txt").decode())
    return {section: dict(parser[section]) for section in parser.sections()}


@pytest.mark.parametrize("plugin", NAMES)
def test_a_plugin_offers_something_in_facezoos_groups_and_nothing_elsewhere(wheels, plugin):
    offered = entry_points(wheels[plugin])
    assert offered
    assert all(group.startswith("facezoo.") for group in offered)


def test_the_plugins_that_offer_a_group_are_found():
    assert {"arcface", "cosface", "lh2face", "sphereface", "unitsface"} <= set(plugins_offering(HEADS))
    assert "tensorboard" in plugins_offering(HOOKS)


def test_the_root_wheel_holds_library_and_command_line_and_no_more(wheels):
    found = names(wheels["facezoo"])
    assert {name.split("/")[0] for name in found} == {"facezoo", "facezoo_cli", "facezoo-0.1.0.dist-info"}
    assert {"facezoo/__init__.py", "facezoo/py.typed", "facezoo_cli/main.py"} <= set(found)
    sources = {
        f"facezoo/{path.relative_to(ROOT / 'core/facezoo')}" for path in ROOT.glob("core/facezoo/**/*.py")
    }
    assert sources <= set(found)
    assert any(name.endswith("/licenses/LICENSE") for name in found)


def test_the_root_wheel_says_what_it_needs_and_offers(wheels):
    found = metadata(wheels["facezoo"])
    assert (found["Name"], found["Version"], found["License-Expression"]) == ("facezoo", "0.1.0", "MIT")
    runtime = {line.split(">")[0].lower() for line in found.get_all("Requires-Dist") if "extra" not in line}
    assert runtime == {
        *("torch", "numpy", "pluggy", "pydantic", "safetensors", "packaging", "pillow", "filelock"),
        *("click", "rich", "tomli-w"),
    }
    points = entry_points(wheels["facezoo"])
    assert points["console_scripts"] == {"facezoo": "facezoo_cli.main:main"}
    assert {"small", "iresnet18"} <= points["facezoo.backbones"].keys()


@pytest.mark.parametrize("plugin", NAMES)
def test_a_plugin_wheel_holds_one_package(wheels, plugin):
    wheel = wheels[plugin]
    version = metadata(wheel)["Version"]
    package = f"facezoo_{plugin}"
    assert {name.split("/")[0] for name in names(wheel)} == {package, f"{package}-{version}.dist-info"}


@pytest.mark.parametrize("plugin", NAMES)
def test_a_plugin_wheel_holds_every_file_of_its_package(wheels, plugin):
    source = ROOT / "plugins" / plugin / "src"
    files = [path for path in source.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    assert {path.relative_to(source).as_posix() for path in files} <= set(names(wheels[plugin]))


def test_the_wheel_that_brings_everything_holds_nothing(wheels):
    assert {name.split("/")[0] for name in names(wheels["all"])} == {"facezoo_all-0.1.0.dist-info"}


@pytest.mark.parametrize("head", plugins_offering(HEADS))
def test_the_wheel_of_a_head_offers_that_and_no_more(wheels, head):
    assert entry_points(wheels[head]) == {HEADS: {head: f"facezoo_{head}:spec"}}


@pytest.mark.parametrize("plugin", plugins_offering(HOOKS))
def test_the_wheel_of_an_observer_offers_that_and_no_more(wheels, plugin):
    assert {group: list(points) for group, points in entry_points(wheels[plugin]).items()} == {
        HOOKS: [plugin]
    }


@pytest.mark.parametrize("plugin", NAMES)
def test_a_plugin_says_what_it_is_and_which_facezoo_it_needs(wheels, plugin):
    found = metadata(wheels[plugin])
    assert found["Name"] == f"facezoo-{plugin}"
    assert found["Summary"]
    assert found.get_payload().strip(), "its README is its long description"
    assert "facezoo<0.2,>=0.1" in found.get_all("Requires-Dist")


@pytest.mark.parametrize("plugin", NAMES)
def test_a_plugin_has_a_short_pyproject_without_tool_settings(plugin):
    text = (ROOT / "plugins" / plugin / "pyproject.toml").read_text(encoding="utf-8")
    assert set(tomllib.loads(text).get("tool", {})) <= {"hatch"}
    assert len([line for line in text.splitlines() if line.strip()]) <= 20


@pytest.mark.slow
def test_the_source_distribution_builds_the_same_wheel(wheels, tmp_path: Path):
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)])
    (wheel,) = tmp_path.glob("*.whl")
    assert sorted(names(wheel)) == sorted(names(wheels["facezoo"]))
    assert len(list(tmp_path.glob("*.tar.gz"))) == 1
