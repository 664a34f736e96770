"""`facezoo check-head NAME`: hold a head to the conformance kit."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from facezoo._words import did_you_mean
from facezoo.errors import FacezooError
from facezoo_cli.output import say, say_json

if TYPE_CHECKING:
    from facezoo_conformance import CheckResult, HeadCheck

_COLOURS = {"passed": None, "failed": "red", "expected": "yellow"}


@click.command("check-head")
@click.argument("name")
@click.option("-k", "pattern", metavar="PATTERN", help="Only checks with this in their names.")
@click.option("--json", "as_json", is_flag=True, help="One object: the head, and a list of its checks.")
def command(name: str, pattern: str | None, as_json: bool) -> None:
    """Hold a head to every check that heads must pass.

    NAME is a head, or DIST:HEAD where two distributions offer the same name. Every check runs under the
    head's defaults, every preset and every choice of a setting, fresh and fully active. Ends with exit
    code 1 where a check fails, or passes although the head declares that it fails.
    """
    from facezoo_conformance import head_checks

    checks = _chosen(list(head_checks(name)), pattern)
    results = []
    told: dict[str, str] = {}
    if not as_json:
        say(f"{name}: {checks[0].head.entry.dist} {checks[0].head.entry.version}")
    for check in checks:  # printed as they end: all together take some seconds
        results.append(check.result())
        if not as_json:
            _print(name, check, results[-1], told)
    if as_json:
        say_json(_report(checks, results))
    else:
        say(f"\n{_summary(results)}")
    click.get_current_context().exit(any(result.outcome == "failed" for result in results))


def _chosen(checks: list[HeadCheck], pattern: str | None) -> list[HeadCheck]:
    """Those that `pattern` means: all, the one of that name, or those that have it in their names."""
    found = [check for check in checks if pattern is None or pattern == check.name]
    found = found or [check for check in checks if str(pattern) in check.name]
    if found:
        return found
    names = [check.name for check in checks]
    message = f"-k {pattern}: there is no such check{did_you_mean(str(pattern), names)}"
    raise FacezooError(message, f"Checks: {', '.join(names)}.")


def _print(name: str, check: HeadCheck, result: CheckResult, told: dict[str, str]) -> None:
    """Print a check's outcome; `told` has the check that each failure's message was printed with, as a head
    that cannot be built fails them all.
    """
    mark, line = f"  {result.outcome:<8}  ", f"{check.name:<18}  {result.seconds:6.2f} s"
    say(line, mark=mark, colour=_COLOURS[result.outcome])
    if result.outcome == "passed":
        return
    if result.message in told:
        say(f"            as {told[result.message]!r} above")
        return
    told[result.message] = check.name
    say(f"            {result.message}")
    if result.outcome == "failed":
        say(f"            {check.rule.doc}")
        say(f"            $ facezoo check-head {name} -k {check.name}")
        if result.error and click.get_current_context().meta.get("traceback"):
            say("".join(traceback.format_exception(result.error)), err=True)


def _summary(results: Sequence[CheckResult]) -> str:
    outcomes = [result.outcome for result in results]
    seconds = sum(result.seconds for result in results)
    counts = {"passed": "passed", "failed": "failed", "expected": "failed as expected"}
    said = [f"{outcomes.count(name)} {words}" for name, words in counts.items() if name in outcomes]
    return f"{', '.join(said)} in {seconds:.1f} s"


def _report(checks: Sequence[HeadCheck], results: Sequence[CheckResult]) -> dict[str, Any]:
    entry = checks[0].head.entry
    return {
        "head": entry.name,
        "dist": entry.dist,
        "version": entry.version,
        "checks": [
            {
                "name": check.name,
                "group": check.rule.group,
                "outcome": result.outcome,
                "seconds": round(result.seconds, 3),
                "message": result.message,
            }
            for check, result in zip(checks, results, strict=True)
        ],
    }
