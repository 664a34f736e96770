"""Which tests to try a mutant on: those that run its line, the quickest files first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
from mutations import Mutant
from places import ROOT

HERE = Path(__file__).parent
BUDGET = 90.0  # processor seconds of tests for a mutant; what is left out can only make a survivor


@dataclass(frozen=True)
class Tests:
    """Which tests run which lines, and the seconds of each."""

    lines: dict[str, dict[int, set[str]]]
    seconds: dict[str, float]

    def of(self, mutant: Mutant) -> list[str]:
        """Those that run its line, file by file, the quickest first; as many as the budget has room for."""
        lines = self.lines.get(mutant.file, {})
        contexts = lines.get(mutant.line, set()) - {"import"}
        if not contexts:  # what runs on import only: whoever uses the module
            contexts = set().union(*lines.values()) - {"import"}
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in self.seconds:
            file = test.partition("::")[0]
            if test in contexts or file in contexts:  # a fixture that tests share counts for its whole file
                by_file[file].append(test)
        costs = {file: sum(map(self.seconds.__getitem__, tests)) for file, tests in by_file.items()}
        found, spent = [], 0.0
        for file in sorted(costs, key=costs.__getitem__):
            for test in sorted(by_file[file], key=self.seconds.__getitem__):
                spent += self.seconds[test]
                if spent <= BUDGET:
                    found.append(test)
        return found


def collect(out: Path, tests: Sequence[str]) -> Tests:
    """Run the tests once under coverage, unless `out` has that already."""
    if not list(out.glob("seconds-*.json")):
        out.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
        words = ["pytest", "-q", "-p", "covering", "-n", "auto", "--dist=loadfile", *tests]
        environment = os.environ | {"COVERING": str(out), "PYTHONPATH": path}
        subprocess.run([sys.executable, "-m", *words], cwd=ROOT, env=environment)
    data = coverage.CoverageData(str(out / "all"))
    for file in out.glob("coverage.*"):
        part = coverage.CoverageData(str(file))
        part.read()
        data.update(part)
    lines: dict[str, dict[int, set[str]]] = {}
    for name in data.measured_files():
        by_line = data.contexts_by_lineno(name)
        lines[str(Path(name).relative_to(ROOT))] = {line: set(found) for line, found in by_line.items()}
    seconds: dict[str, float] = {}
    for file in out.glob("seconds-*.json"):
        seconds |= json.loads(file.read_text(encoding="utf-8"))
    return Tests(lines, seconds)
