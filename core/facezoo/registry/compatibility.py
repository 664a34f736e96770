"""Whether a plug-in admits the installed facezoo, from its own `Requires-Dist`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from facezoo._version import __version__
from facezoo._words import shown


@cache
def canonical(dist: str) -> str:
    """A distribution's name as the packaging rules compare it: lower case, runs of `-_.` as one dash."""
    return re.sub(r"[-_.]+", "-", dist).lower()


def incompatibility(requires: Iterable[str]) -> str:
    """Why a distribution with these `Requires-Dist` lines refuses this facezoo; empty where it does not."""
    for line in requires:
        named = re.match(r"[A-Za-z0-9._-]+", line.strip())
        if named and canonical(named.group()) == "facezoo" and (reason := _refusal(line)):
            return reason
    return ""


@cache
def _refusal(line: str) -> str:
    from packaging.requirements import Requirement
    from packaging.version import InvalidVersion

    try:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            return ""
        admitted = requirement.specifier.contains(__version__, prereleases=True)
    except InvalidVersion:  # facezoo is not installed but on the path: there is nothing to compare with
        return ""
    except Exception:  # noqa: BLE001 (what is wrong in a stranger's marker shows in many ways)
        return f"its requirement on facezoo cannot be read: {shown(line)}"
    return "" if admitted else f"requires facezoo {requirement.specifier}, and this is facezoo {__version__}"
