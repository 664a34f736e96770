"""Small faults to plant in a module: one change each, of the kinds that people make.

No tool of others' is used: cosmic-ray starts an interpreter for each mutant, and importing torch takes longer
than most tests here; mutmut leaves decorated functions alone, which are a good part of the engine. Neither
drops a statement.

Left alone is what no test could or should notice: annotations, docstrings, decorators, assertions for the
type checker, what errors say, `strict=True` of zip, on which device a tensor is made (there is one), and
numbers that a module names: they size blocks and bound what is admitted, where one more would do as well.
That they are heeded shows where they are used, and that is changed.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or, ast.Or: ast.And,
    ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip
QUIET = {
    "strict",
    "description",
    "stacklevel",
    "device",
}  # keywords that compute nothing

Edit = Callable[[ast.AST], ast.AST | None]
"""What a node becomes; None is a statement that goes."""


@dataclass(frozen=True)
class Mutant:
    """One change of a module."""

    file: str
    name: str
    """The file, the names of the definitions around the change, and the change: the same on whatever line."""
    line: int
    place: int
    way: int

    def source(self, original: str) -> str:
        """The module with the change."""
        tree = ast.parse(original)
        _, node = list(_places(tree))[self.place]
        edit = list(_edits(node))[self.way]
        return ast.unparse(_Replace(node, edit(copy.deepcopy(node))).visit(tree))


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    """All mutants of a module."""
    seen: Counter[str] = Counter()
    for place, (home, node) in enumerate(_places(ast.parse(source))):
        for way, edit in enumerate(_edits(node)):
            name = f"{file} {home}: {_said(node)} -> {_said(edit(copy.deepcopy(node)))}"
            seen[name] += 1
            unique = name if seen[name] == 1 else f"{name} ({seen[name]})"
            yield Mutant(file, unique, node.lineno, place, way)


def _places(tree: ast.AST, home: str = "module") -> Iterator[tuple[str, ast.AST]]:
    """The nodes that may be changed, each with the names of the definitions around it."""
    for child in ast.iter_child_nodes(tree):
        if _left_alone(tree, child) or (home == "module" and _is_named_number(tree, child)):
            continue
        inner = home
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            inner = child.name if home == "module" else f"{home}.{child.name}"
        if hasattr(child, "lineno"):
            yield inner, child
        yield from _places(child, inner)


def _left_alone(parent: ast.AST, node: ast.AST) -> bool:
    if isinstance(node, ast.Assert | ast.JoinedStr | ast.AnnAssign | ast.Import | ast.ImportFrom):
        return not (isinstance(node, ast.AnnAssign) and node.value is not None)
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    if isinstance(node, ast.keyword) and node.arg in QUIET:
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(parent, ast.Raise):  # what is said; the statement itself may go
        return True
    declared = [*getattr(parent, "decorator_list", [])]
    declared += [getattr(parent, part, None) for part in ("annotation", "returns")]
    return any(node is each for each in declared)


def _is_named_number(parent: ast.AST, node: ast.AST) -> bool:
    """Whether it is the whole value of an assignment, and made of numbers alone: `2**20`."""
    arithmetic = ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop | ast.Constant
    return (
        isinstance(parent, ast.Assign | ast.AnnAssign)
        and node is parent.value
        and all(isinstance(each, arithmetic) for each in ast.walk(node))
    )


def _edits(node: ast.AST) -> Iterator[Edit]:
    """The ways to change one node."""
    operator = getattr(node, "op", None)
    if type(operator) in SWAPS:
        yield lambda it: _with(it, op=SWAPS[type(operator)]())
    if isinstance(node, ast.UnaryOp) and isinstance(operator, ast.Not | ast.USub):
        yield lambda it: it.operand
    if isinstance(node, ast.Compare):
        for place, each in enumerate(node.ops):
            yield lambda it, place=place, each=each: _with(
                it, ops=[*it.ops[:place], SWAPS[type(each)](), *it.ops[place + 1 :]]
            )
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda it: ast.Constant(not it.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield lambda it: ast.Constant(it.value + 1)
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(
        node.test, ast.Compare | ast.UnaryOp
    ):
        yield lambda it: _with(it, test=ast.UnaryOp(ast.Not(), it.test))
    if type(node) in (ast.Break, ast.Continue):
        yield lambda it: SWAPS[type(it)]()
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise) or _writes(node):
        yield lambda it: None
    if isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield lambda it: ast.Return(ast.Constant(None))
    if isinstance(node, ast.Call):
        for place, keyword in enumerate(node.keywords):
            if keyword.arg not in {None, *QUIET}:
                yield lambda it, place=place: _with(
                    it, keywords=it.keywords[:place] + it.keywords[place + 1 :]
                )


def _writes(node: ast.AST) -> bool:
    """Whether it sets a part of something: to drop the setting of a name is only an error at its next use."""
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute | ast.Subscript)


def _with(node: ast.AST, **changes: object) -> ast.AST:
    for name, value in changes.items():
        setattr(node, name, value)
    return node


class _Replace(ast.NodeTransformer):
    """Put a node in another's place."""

    def __init__(self, old: ast.AST, new: ast.AST | None) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self.old:
            return ast.copy_location(self.new or ast.Pass(), node)
        return self.generic_visit(node)


def _said(node: ast.AST | None) -> str:
    """The first line of a node's text, not too long."""
    if node is None:
        return "nothing"
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).splitlines()[0]
    return text if len(text) <= 90 else f"{text[:87]}..."
