"""Plants faults where `places` says, one at a time, and sees whether the tests notice.

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
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mutations import Mutant, mutants_of
from places import FOLDERS, ROOT, TESTS, parts_of
from selection import Tests, collect

SURVIVORS = Path(__file__).parent / "survivors.txt"
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
ASLEEP = 1200  # seconds by the clock, beside the limit: what waits for ever takes no processor time


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a text in place of its file."""

    def __init__(self, file: str, source: str) -> None:
        self.path, self.source = ROOT / file, source
        parts = parts_of(file)
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


class Failing:
    """Notes which tests fail."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.tests.append(report.nodeid)


def run_tests(tests: list[str], *options: str) -> tuple[int, list[str]]:
    """pytest's exit code, and the tests that failed; in this process, which has not imported facezoo."""
    import pytest

    noted = Failing()
    os.chdir(ROOT)
    quiet = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not soak"]
    return int(pytest.main([*quiet, *options, *tests], plugins=[noted])), noted.tests


def forked(work: Callable[[], int], log: Path) -> int:
    """A process that does some work, ends with its code and says in a file what it says."""
    child = os.fork()
    if child == 0:
        with log.open("w", encoding="utf-8") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            code = 70
            with contextlib.suppress(BaseException):
                code = work()
            sys.stdout.flush()
            os._exit(code)
    return child


def attempt(mutant: Mutant, tests: list[str], limit: int) -> int:
    """Run tests on a mutant until one fails; pytest's exit code."""
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    signal.alarm(ASLEEP + limit)
    original = (ROOT / mutant.file).read_text(encoding="utf-8")
    sys.meta_path.insert(0, Planted(mutant.file, mutant.source(original)))
    return run_tests(tests, "-x")[0]


def without_failing(tests: Tests, out: Path, jobs: int) -> Tests:
    """Without those that fail here with nothing planted: they would seem to notice everything."""
    files = sorted({test.partition("::")[0] for test in tests.seconds})
    notes = [out / f"failing-{share}-of-{jobs}.json" for share in range(jobs)]
    children = []
    for share, note in enumerate(notes):
        if not note.exists():
            mine = set(files[share::jobs])
            chosen = sorted(test for test in tests.seconds if test.partition("::")[0] in mine)
            children.append(forked(partial(control, chosen, note), note.with_suffix(".log")))
    for child in children:
        os.waitpid(child, 0)
    failing = {test for note in notes for test in json.loads(note.read_text(encoding="utf-8"))}
    kept = {test: seconds for test, seconds in tests.seconds.items() if test not in failing}
    return Tests(tests.lines, kept)


def control(tests: list[str], note: Path) -> int:
    """Run tests with nothing planted and write down which fail."""
    code, failing = run_tests(tests)
    note.write_text(json.dumps(failing), encoding="utf-8")
    return code


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
            work = partial(attempt, mutant, chosen, int(10 * seconds) + 60)
            running[forked(work, out / f"mutant-{drawn.index(mutant)}.log")] = mutant
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
    files = [file for folder in FOLDERS for file in sorted(folder.rglob("*.py"))]
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
    for name in PRELOADED:
        importlib.import_module(name)
    tests = without_failing(tests, options.out, options.jobs)
    mutants = everything()
    drawn = [mutant for mutant in mutants if options.only and options.only in mutant.name]
    drawn = drawn or random.Random(options.seed).sample(mutants, options.count)
    print(
        f"{len(mutants):,} mutants, of which {len(drawn)} are tried on {len(tests.seconds):,} tests",
        flush=True,
    )
    results: dict[str, list[Mutant]] = defaultdict(list)
    for number, (mutant, outcome) in enumerate(tried(drawn, tests, options.out, options.jobs), 1):
        results["killed" if outcome.startswith("killed") else outcome].append(mutant)
        print(f"[{number}/{len(drawn)}] {outcome}: {mutant.name}", flush=True)
    sys.exit(not report(results, len(drawn)))


if __name__ == "__main__":
    main()
