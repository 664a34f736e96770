"""Markdown pages as tests see them: fenced blocks, the commands in them, and whether output is as shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRONT = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [*(ROOT / name for name in FRONT), *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"`([\w./-]+\.\w+)`:")
_TESTED_WITH = re.compile(r"<!-- tested with: (.*) -->")
# differs between machines, and between a short run and the one that is shown
_VARIES = re.compile(r"\d[\d,.:]*|bf16|float32|\bcpu\b|\bcuda\b")


def name_of(page: Path) -> str:
    """A page's path from the project's root, as a test's name."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, its first line's number and the last words before it."""

    language: str
    text: str
    line: int
    before: str

    @property
    def file(self) -> str | None:
        """The file that the block shows: where the line before it is a path and a colon."""
        found = _FILE.fullmatch(self.before)
        return found and found[1]

    @property
    def tested_with(self) -> list[str] | None:
        """Arguments that the test adds to commands, from a comment before the block; None without one."""
        found = _TESTED_WITH.fullmatch(self.before)
        return found and found[1].split()


@dataclass(frozen=True)
class Command:
    """One command of a `console` block, and the output that is shown below it."""

    text: str
    shown: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        before = text[: found.start()]
        last = before.strip().rpartition("\n")[2]
        yield Block(found[1], found[2], before.count("\n") + 2, last)


def commands(block: Block) -> Iterator[Command]:
    """The lines of a `console` block that begin with `$ `, each with the lines up to the next one."""
    lines = block.text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    assert starts[:1] == [0], f"line {block.line}: a console block begins with a command"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Command(lines[start][2:], "\n".join(lines[start + 1 : end]).strip("\n"), block.line + start)


def matches(shown: str, got: str, *, varying: bool = False) -> bool:
    """Whether `got` is as shown: `...` stands for any text, and alone on a line for any lines.

    With `varying`, numbers, precisions, devices and the width of gaps may differ.
    """
    if varying:
        shown, got = (re.sub(" +", " ", _VARIES.sub("#", text)) for text in (shown, got))
    pattern = "".join(map(_line_pattern, shown.splitlines()))
    return re.fullmatch(pattern, _tidy(got)) is not None


def _line_pattern(line: str) -> str:
    if line.strip() == "...":
        return r"(?:.*\n)*?"
    return ".*".join(map(re.escape, line.rstrip().split("..."))) + r"\n"


def _tidy(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())
