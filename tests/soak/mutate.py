"""Plants faults in engine, training, evaluation and data, one at a time, and sees whether the tests notice.

    python tests/soak/mutate.py --count 200 --seed 0

First the tests run once, to learn which run which lines; `--out` keeps that. A mutant is then tried in a
process that is forked after torch was imported, on the tests that run its line, quickest files first, until
one fails. Its time is limited in processor time, which only tells a hang. What no test notices is a survivor:
it gets a test, or a line in survivors.txt, `MUTANT | why no test can or should notice`. Fails where fewer
than 95 % are killed, or a survivor has no line.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import random
import resource
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
from mutations import Mutant, mutants_of

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SURVIVORS = HERE / "survivors.txt"
PARTS = ("engine", "training", "evaluation", "data")
TESTS = ("tests/core", "tests/cli", "tests/end_to_end")
PRELOADED = (
    "torch",
    "torch._dynamo",
    "numpy",
    "pydantic",
    "PIL.Image",
    "hypothesis",
    "pytest",
    "safetensors.torch",
)
WANTED = 0.95
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
        for test in filter(self._named(contexts), self.seconds):
            by_file[test.partition("::")[0]].append(test)
        costs = {file: sum(map(self.seconds.__getitem__, tests)) for file, tests in by_file.items()}
        found, spent = [], 0.0
        for file in sorted(costs, key=costs.__getitem__):
            for test in sorted(by_file[file], key=self.seconds.__getitem__):
                spent += self.seconds[test]
                if spent <= BUDGET:
                    found.append(test)
        return found

    def _named(self, contexts: set[str]) -> Any:
        """Whether a context is a test, or the file of a fixture that it shares with others."""
        return lambda test: test in contexts or test.partition("::")[0] in contexts


def collect(out: Path, tests: Sequence[str]) -> Tests:
    """Run the tests once under coverage, unless `out` has that already."""
    if not list(out.glob("seconds-*.json")):
        out.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "covering",
            "-n",
            "auto",
            "--dist=loadfile",
            *tests,
        ]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"COVERING": str(out), "PYTHONPATH": path})
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


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a text in place of its file."""

    def __init__(self, file: str, source: str) -> None:
        self.path, self.source = ROOT / file, source
        parts = Path(file).relative_to("core").with_suffix("").parts
        self.package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.package else parts)

    def find_spec(self, name: str, path: object, target: object = None) -> Any:
        if name != self.name:
            return None
        where = [str(self.path.parent)] if self.package else None
        return importlib.util.spec_from_file_location(
            name, self.path, loader=self, submodule_search_locations=where
        )

    def exec_module(self, module: Any) -> None:
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


def attempt(mutant: Mutant, tests: list[str], limit: int) -> int:
    """Run tests on a mutant, in this process, which has not imported facezoo; pytest's exit code."""
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    sys.meta_path.insert(
        0, Planted(mutant.file, mutant.source((ROOT / mutant.file).read_text(encoding="utf-8")))
    )
    os.chdir(ROOT)
    options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not soak"]
    return int(pytest.main([*options, *tests]))


def forked(mutant: Mutant, tests: list[str], seconds: float, log: Path) -> int:
    """The process that tries a mutant."""
    child = os.fork()
    if child == 0:
        with log.open("w", encoding="utf-8") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            code = 70
            with contextlib.suppress(BaseException):
                code = attempt(mutant, tests, int(10 * seconds) + 60)
            sys.stdout.flush()
            os._exit(code)
    return child


def tried(drawn: list[Mutant], tests: Tests, out: Path, jobs: int) -> Iterator[tuple[Mutant, str]]:
    """Every mutant with what became of it: "killed", "hangs", or why it survived."""
    running: dict[int, Mutant] = {}
    waiting = list(reversed(drawn))
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            chosen = tests.of(mutant)
            if not chosen:
                yield mutant, "survived: no test runs it"
                continue
            seconds = sum(tests.seconds[test] for test in chosen)
            running[forked(mutant, chosen, seconds, out / f"mutant-{drawn.index(mutant)}.log")] = mutant
        if running:
            child, status = os.wait()
            yield running.pop(child), judged(status)


def judged(status: int) -> str:
    """What the end of a process says of its mutant."""
    if os.WIFSIGNALED(status):
        return "killed: hangs or crashes"
    code = os.WEXITSTATUS(status)
    return "survived" if code == 0 else "killed" if code in {1, 2, 3, 4} else f"survived: pytest says {code}"


def explained() -> dict[str, str]:
    """Survivors that are known, with the reason."""
    lines = SURVIVORS.read_text(encoding="utf-8").splitlines() if SURVIVORS.exists() else []
    pairs = [line.rpartition(" | ") for line in lines if line.strip() and not line.startswith("#")]
    return {name: reason for name, _, reason in pairs}


def everything() -> list[Mutant]:
    files = [file for part in PARTS for file in sorted((ROOT / "core/facezoo" / part).glob("*.py"))]
    return [
        mutant
        for file in files
        for mutant in mutants_of(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8"))
    ]


def report(results: dict[str, list[Mutant]], drawn: int) -> bool:
    """Say what survived; whether that will do."""
    reasons = explained()
    killed = len(results["killed"])
    survivors = [mutant for outcome, found in results.items() if outcome != "killed" for mutant in found]
    for mutant in sorted(survivors, key=lambda each: each.name):
        print(f"{mutant.file}:{mutant.line}\n  {mutant.name} | {reasons.get(mutant.name, 'NOT EXPLAINED')}")
    unexplained = sum(mutant.name not in reasons for mutant in survivors)
    print(f"{killed} of {drawn} mutants killed, {unexplained} of {len(survivors)} survivors without a reason")
    return killed >= WANTED * drawn and not unexplained


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "mutants")
    parser.add_argument("--tests", nargs="*", default=TESTS)
    parser.add_argument("--only", default="", help="mutants whose name contains this, in place of a draw")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    tests = collect(options.out, options.tests)
    mutants = everything()
    drawn = [mutant for mutant in mutants if options.only and options.only in mutant.name]
    drawn = drawn or random.Random(options.seed).sample(mutants, options.count)
    print(
        f"{len(mutants):,} mutants, of which {len(drawn)} are tried on {len(tests.seconds):,} tests",
        flush=True,
    )
    for name in PRELOADED:
        importlib.import_module(name)
    results: dict[str, list[Mutant]] = defaultdict(list)
    for number, (mutant, outcome) in enumerate(tried(drawn, tests, options.out, options.jobs), 1):
        results["killed" if outcome.startswith("killed") else outcome].append(mutant)
        print(f"[{number}/{len(drawn)}] {outcome}: {mutant.name}", flush=True)
    sys.exit(not report(results, len(drawn)))


if __name__ == "__main__":
    main()
