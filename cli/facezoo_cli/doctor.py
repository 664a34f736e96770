"""`facezoo doctor`: call everything that is installed and say what is broken, and on what it all stands."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import Distribution, PackageNotFoundError, distributions, requires, version
from itertools import chain

import click
from packaging.requirements import Requirement

from facezoo._words import did_you_mean, first_line
from facezoo.errors import FacezooError
from facezoo.registry.entries import (
    DISABLE,
    KINDS,
    QUALIFIED_ONLY,
    PluginEntry,
    disabled_names,
    installed_plugins,
)
from facezoo.registry.foreign import noted
from facezoo.registry.loading import owner
from facezoo_cli.options import as_json
from facezoo_cli.output import say, say_json
from facezoo_cli.trying import TRIALS


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    status: str
    subject: str
    detail: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing needs mending: what was switched off on purpose is sound."""
        return self.status in ("ok", "disabled", "absent")


@click.command("doctor")
@as_json("Print one object: `findings`, each with its section, and whether all is `sound`.")
def command(as_json: bool) -> None:
    """Call everything and report what is broken.

    Every head is built, with every preset, and computes a step; every backbone is built and embeds; every
    observer is registered; commands, and the records of data sources and benchmarks, are imported. Ends with
    exit code 1 where something needs mending.
    """
    findings: list[dict[str, str]] = []
    troubles = 0
    for title, section in _sections():
        if not as_json:
            say(title)
        for finding in section:  # printed as it is found: an import may take its time
            findings.append({"section": title, **asdict(finding)})
            troubles += not finding.sound
            if not as_json:
                _print(finding)
        if not as_json:
            say()
    if as_json:
        say_json({"sound": not troubles, "findings": findings})
    else:
        say(f"{troubles} of {len(findings)} need mending." if troubles else "Everything is sound.")
    click.get_current_context().exit(1 if troubles else 0)


def _sections() -> Iterator[tuple[str, Iterator[Finding]]]:
    yield "Environment", chain(_environment(), unreadable(), _misnamed())
    yield "Hardware", _hardware()
    for group, kind in KINDS.items():
        yield f"{kind.capitalize()}s", _plugins(group, kind, TRIALS[group])


def _print(finding: Finding) -> None:
    mark, line = f"  {finding.status:<12}  ", ": ".join(filter(None, (finding.subject, finding.detail)))
    say(line, mark=mark, colour=None if finding.sound else "red")


def _attempt(subject: str, look: Callable[[], str | None]) -> Finding:
    """What `look` has to say of `subject`; whatever it raises is what is wrong."""
    raised: list[BaseException] = []
    with noted(raised.append):
        return Finding("ok", subject, look() or "")
    (error,) = raised
    return Finding("broken", subject, error.message if isinstance(error, FacezooError) else first_line(error))


def _environment() -> Iterator[Finding]:
    yield _attempt("facezoo", lambda: version("facezoo"))
    yield Finding("ok", "Python", f"{platform.python_version()}, {sys.executable}, {platform.platform()}")
    for requirement in map(Requirement, requires("facezoo") or []):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _dependency(requirement)


def unreadable() -> Iterator[Finding]:
    """Distributions whose metadata Python itself cannot read: torch and others fail at the first of them."""
    for dist in distributions():
        found = _attempt(str(getattr(dist, "_path", "a distribution")), partial(_parse, dist))
        if not found.sound:
            yield replace(found, detail=f"its metadata cannot be read ({found.detail}); uninstall it")


def _parse(dist: Distribution) -> None:
    _ = dist.entry_points, dist.metadata


def _dependency(requirement: Requirement) -> Finding:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return Finding("broken", requirement.name, "not installed, and facezoo needs it")
    if requirement.specifier.contains(found, prereleases=True):
        return Finding("ok", requirement.name, found)
    return Finding("broken", requirement.name, f"{found}, and facezoo needs {requirement.specifier}")


def _misnamed() -> Iterator[Finding]:
    """What FACEZOO_DISABLE names without effect: a slip of the pen leaves on what was to be off."""
    known = [entry for group in KINDS for entry in installed_plugins(group)]
    for name in disabled_names():
        if not any(entry.answers_to(name) for entry in known):
            near = did_you_mean(name, [entry.name for entry in known])
            yield Finding("broken", DISABLE, f"{name!r} is not installed{near}")


def _hardware() -> Iterator[Finding]:
    yield _attempt("processor", _processor)
    yield _attempt("accelerator", _accelerator)


def _processor() -> str:
    import torch

    return f"{platform.machine()}, {torch.get_num_threads()} threads; {_bf16('cpu')}"


def _accelerator() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use; the processor does it all"
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f"{', '.join(names)}; {_bf16('cuda')}"


def _bf16(device: str) -> str:
    import torch

    from facezoo.engine.streamed.products import multiplies_bf16

    if multiplies_bf16(torch.device(device)):
        return "multiplies bf16 natively"
    return 'no native bf16: precision "auto" means float32 here'


def _plugins(group: str, kind: str, look: Callable[[PluginEntry], str | None]) -> Iterator[Finding]:
    """A finding for each entry of a group; `look` calls one and raises where it is broken."""
    entries = installed_plugins(group)
    if not entries:
        yield Finding("absent", f"no {kind} is installed")
    for entry in entries:
        subject = f"{entry.name} ({entry.dist} {entry.version})"
        if entry.status != "ok" and entry.status not in QUALIFIED_ONLY:
            yield Finding(entry.status, subject, entry.reason)
            continue
        found = _attempt(subject, partial(look, entry))
        detail = found.detail.removeprefix(f"{owner(entry, kind)} ")
        if entry.status == "ok":
            yield replace(found, detail=detail)
        else:
            also = "" if found.sound else f"; and it is broken: {detail}"
            yield Finding(entry.status, subject, f"{entry.reason}{also}")
