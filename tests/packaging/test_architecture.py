"""What may import what, and that the core knows no head by name."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from facezoo.registry.entries import COMMANDS, HEADS
from support.distributions import PLUGINS, plugins_offering
from support.imports import imports, packages

ROOT = Path(__file__).parents[2]
NAMES = [path.parent.name for path in PLUGINS]
HEAD_NAMES = plugins_offering(HEADS)
ROOMS = (
    "errors", "_version", "_lazy", "_words", "_cut", "table", "holding", "margins", "disk",
    "engine", "registry", "_answers", "_inputs", "loss", "backbones", "settings", "data", "runs",
    "evaluation", "benchmarks", "hooks", "training", "testing",
)  # fmt: skip
"""The rooms of the core: none imports one that comes after it, for its types neither."""
SHARED_BY_COMMANDS = {f"facezoo_cli.{name}" for name in ("completing", "options", "output", "stopping")}


def module_of(path: Path) -> str:
    """The dotted name of a file of the core."""
    return ".".join(path.relative_to(ROOT / "core").with_suffix("").parts).removesuffix(".__init__")


def within_the_core() -> dict[str, set[str]]:
    """Every module of the core, with those of the core that it imports."""
    modules = {module_of(path) for path in (ROOT / "core").rglob("*.py")}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for path in (ROOT / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                each = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in modules else node.module for name in each]
            else:
                continue
            graph[module_of(path)].update(modules & set(names))
    return graph


def room_of(module: str) -> str:
    """The room that a module is in, which is a package or a file; the package facezoo itself is above all."""
    return module.split(".")[1] if "." in module else ""


def test_every_part_of_the_core_is_a_room_with_a_place():
    assert sorted({room_of(module) for module in within_the_core()} - {"", "__main__"}) == sorted(ROOMS)


def test_no_room_imports_one_above_it():
    place = {room: number for number, room in enumerate(ROOMS)}
    upwards = [
        f"{module} imports {other}"
        for module, others in within_the_core().items()
        for other in others
        if place.get(room_of(module), len(ROOMS)) < place.get(room_of(other), len(ROOMS))
    ]
    assert upwards == []


def test_no_modules_of_the_core_import_one_another():
    TopologicalSorter(within_the_core()).prepare()  # raises CycleError, which names them


def test_the_map_of_the_code_has_the_rooms_in_their_order():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("### Rooms")[2].partition("###")[0]
    rows = re.findall(r"^\| `([a-z`, ]+)` \| .* \|$", table, flags=re.MULTILINE)
    mapped = [room for row in rows for room in row.split("`, `")]
    assert mapped == [room for room in ROOMS if not room.startswith("_")]


def test_the_core_imports_neither_command_line_nor_plugins():
    assert {name for name in packages(ROOT / "core") if name.startswith("facezoo")} == {"facezoo"}


def test_the_command_line_imports_the_core_and_no_plugin():
    assert {name for name in packages(ROOT / "cli") if name.startswith("facezoo")} == {
        "facezoo",
        "facezoo_cli",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_plugin_imports_no_other_plugin(name):
    found = {name for name in packages(ROOT / "plugins" / name / "src") if name.startswith("facezoo")}
    assert found <= {"facezoo", "facezoo_cli", f"facezoo_{name}"}


@pytest.mark.parametrize("name", NAMES)
def test_a_plugin_imports_of_the_command_line_only_what_commands_share(name):
    found = {module for _, module in imports(ROOT / "plugins" / name / "src")}
    of_cli = {module for module in found if module.partition(".")[0] == "facezoo_cli"}
    assert of_cli <= SHARED_BY_COMMANDS
    assert not of_cli or name in plugins_offering(COMMANDS)


class _Prose(ast.NodeTransformer):
    """Takes out strings that stand alone: docstrings may name the papers whose equations they explain."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        prose = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return ast.copy_location(ast.Pass(), node) if prose else node


@pytest.mark.parametrize("part", ["core", "cli"])
def test_no_code_outside_its_plugin_names_a_head(part):
    # as a word or a part of one in camel case: a short name may be inside an ordinary word
    named = re.compile(rf"(?<![A-Za-z])(?i:{'|'.join(HEAD_NAMES)})(?![a-z])")
    for path in (ROOT / part).rglob("*.py"):
        code = ast.unparse(_Prose().visit(ast.parse(path.read_text(encoding="utf-8"))))
        assert named.findall(code) == [], path


def test_nothing_unpickles():
    banned = {"pickle", "dill", "cloudpickle", "joblib", "shelve"}
    for part in ("core", "cli", "plugins"):
        assert packages(ROOT / part) & banned == set()


def test_one_file_calls_torch_load_and_asks_for_weights_only():
    calls = {
        path.relative_to(ROOT).as_posix(): {
            keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords
        }
        for part in ("core", "cli", "plugins")
        for path in (ROOT / part).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    }
    ((path, given),) = calls.items()
    assert path == "plugins/insightface/src/facezoo_insightface/importing.py"
    assert given["weights_only"] == "True"


def test_the_records_of_all_heads_load_without_torch():
    code = (
        f"import sys; from facezoo.registry import load_head; [load_head(name) for name in {HEAD_NAMES!r}];"
        "sys.exit('torch was imported' if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_dependency_is_pinned_by_the_constraints_and_admits_its_pin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    of_plugins = [
        line for path in PLUGINS for line in tomllib.loads(path.read_text())["project"]["dependencies"]
    ]
    wanted = [Requirement(line) for line in [*project["dependencies"], *extras, *of_plugins]]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    for requirement in wanted:
        if not requirement.name.startswith("facezoo"):  # nor a distribution of this repository
            assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement
    assert pins["torch"] == "2.13.0"
