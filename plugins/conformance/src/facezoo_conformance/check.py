"""`facezoo check KIND NAME` and `facezoo check-head NAME`: hold a plug-in to what it must pass."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from facezoo._words import did_you_mean
from facezoo.errors import FacezooError
from facezoo_cli.completing import Installed
from facezoo_cli.output import say, say_json
from facezoo_conformance.kinds import HEAD, KINDS, Kind

if TYPE_CHECKING:
    from facezoo_conformance import Check, CheckResult

_COLOURS = {"passed": None, "failed": "red", "expected": "yellow"}


@click.group("check")
def group() -> None:
    """Hold a plug-in to every check that its kind must pass."""


def _command(kind: Kind, called: str) -> click.Command:
    """The command that checks plug-ins of a kind."""
    text = (
        f"Hold a {kind.word} to every check that its kind must pass.\n\n{kind.checked} Ends with exit code 1 "
        "where a check fails, or passes although it is declared to fail."
    )
    return click.Command(
        called,
        callback=partial(_run, kind),
        help=text,
        params=[
            click.Argument(["name"], type=Installed(kind.group), metavar=kind.argument),
            click.Option(["-k", "pattern"], metavar="PATTERN", help="Only checks with this in their names."),
            click.Option(
                ["--json", "as_json"],
                is_flag=True,
                help=f"Print one object: the {kind.word}, and a list of its checks.",
            ),
        ],
    )


def _run(kind: Kind, name: str, pattern: str | None, as_json: bool) -> None:
    from facezoo_conformance import checks

    chosen = _chosen(list(checks(kind.name, name)), pattern)
    results = []
    told: dict[str, str] = {}
    if not as_json:
        say(f"{name}: {chosen[0].subject.entry.dist} {chosen[0].subject.entry.version}")
    for check in chosen:  # printed as they end: all together take some seconds
        results.append(check.result())
        if not as_json:
            _print(name, check, results[-1], told)
    if as_json:
        say_json(_report(kind, chosen, results))
    else:
        say(f"\n{_summary(results)}")
    click.get_current_context().exit(any(result.outcome == "failed" for result in results))


def _chosen(checks: list[Check[Any]], pattern: str | None) -> list[Check[Any]]:
    """Those that `pattern` means: all, the one of that name, or those that have it in their names."""
    found = [check for check in checks if pattern is None or pattern == check.name]
    found = found or [check for check in checks if str(pattern) in check.name]
    if found:
        return found
    names = [check.name for check in checks]
    message = f"-k {pattern}: there is no such check{did_you_mean(str(pattern), names)}"
    raise FacezooError(message, f"Checks: {', '.join(names)}.")


def _print(name: str, check: Check[Any], result: CheckResult, told: dict[str, str]) -> None:
    """Print a check's outcome; `told` has the check that each failure's message was printed with, as a
    plug-in that cannot be built fails them all.
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
        context = click.get_current_context()
        say(f"            $ {context.command_path} {name} -k {check.name}")
        if result.error and context.meta.get("traceback"):
            say("".join(traceback.format_exception(result.error)), err=True)


def _summary(results: Sequence[CheckResult]) -> str:
    outcomes = [result.outcome for result in results]
    seconds = sum(result.seconds for result in results)
    counts = {"passed": "passed", "failed": "failed", "expected": "failed as expected"}
    said = [f"{outcomes.count(name)} {words}" for name, words in counts.items() if name in outcomes]
    return f"{', '.join(said)} in {seconds:.1f} s"


def _report(kind: Kind, checks: Sequence[Check[Any]], results: Sequence[CheckResult]) -> dict[str, Any]:
    entry = checks[0].subject.entry
    return {
        kind.name: entry.name,
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


for _kind in KINDS.values():
    if _kind.checks:
        group.add_command(_command(_kind, _kind.name))
check_head = _command(HEAD, "check-head")
