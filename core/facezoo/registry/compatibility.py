"""Whether a plug-in admits the installed facezoo, from its own `Requires-Dist`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from operator import ge, gt, le, lt
from typing import Final

from facezoo._words import shown

_HOLDS: Final = {">=": ge, "<=": le, ">": gt, "<": lt}
_PLAIN: Final = re.compile(r"facezoo *([<>]=? *[0-9]+(\.[0-9]+)*(, *(?!$)|$))+")


@cache
def canonical(dist: str) -> str:
    """A distribution's name as the packaging rules compare it: lower case, runs of `-_.` as one dash."""
    return re.sub(r"[-_.]+", "-", dist).lower()


def incompatibility(requires: Iterable[str], version: str) -> str:
    """Why a distribution with these `Requires-Dist` lines refuses facezoo of this version; empty where it
    does not, and where facezoo has no version, since its source lies on the path uninstalled.
    """
    for line in requires:
        named = re.match(r"[A-Za-z0-9._-]+", line.strip())
        if (
            version
            and named
            and canonical(named.group()) == "facezoo"
            and (reason := _refusal(line, version))
        ):
            return reason
    return ""


@cache
def _refusal(line: str, version: str) -> str:
    if _admits_plainly(line, version):
        return ""
    from packaging.requirements import Requirement

    try:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            return ""
        admitted = requirement.specifier.contains(version, prereleases=True)
    except Exception:  # noqa: BLE001 (what is wrong in a stranger's marker shows in many ways)
        return f"its requirement on facezoo cannot be read: {shown(line)}"
    return "" if admitted else f"requires facezoo {requirement.specifier}, and this is facezoo {version}"


def _admits_plainly(line: str, version: str) -> bool:
    """Whether bounds such as `facezoo>=0.1,<0.2` admit a version of digits and dots. Where this does not say
    so, packaging tells, whose import takes half as long as click's.
    """
    if not _PLAIN.fullmatch(line) or not re.fullmatch(r"[0-9]+(\.[0-9]+)*", version):
        return False
    pairs = re.findall(r"([<>]=?) *([0-9.]+)", line)
    return all(_HOLDS[sign](_release(version), _release(bound)) for sign, bound in pairs)


def _release(version: str) -> tuple[int, ...]:
    """1.0 is 1.0.0: a version's numbers without the zeros at its end."""
    return tuple(map(int, re.sub(r"(\.0+)+$", "", version).split(".")))
