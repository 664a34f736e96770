"""pydantic's validation errors in facezoo's words: setting, value, where it came from, and what is near."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from facezoo._words import did_you_mean, shown
from facezoo.errors import FacezooError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails


def explained(
    section: str, model: type[BaseModel], error: ValidationError, origins: Mapping[str, str] | None = None
) -> FacezooError:
    """Turn what pydantic found in `[section]` into one error, one line per setting.

    `origins` maps `section.key` to where its value came from; what it does not name is said without.
    """
    found: dict[str, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        found.setdefault(str(details["loc"][0]) if details["loc"] else "", []).append(details)
    lines = [
        _line(section, key, all_of_it, list(model.model_fields), (origins or {}).get(f"{section}.{key}", ""))
        for key, all_of_it in found.items()
    ]
    unknown = found.keys() - model.model_fields.keys() - {""}
    hint = f"Settings of [{section}]: {', '.join(model.model_fields) or 'none'}." if unknown else ""
    return FacezooError("\n".join(lines), hint)


def _line(section: str, key: str, found: Sequence[ErrorDetails], known: Sequence[str], origin: str) -> str:
    first = found[0]
    if not key:  # a validator of the whole model: there is no one value to show
        return f"{section}: {_words(first)}"
    source = f" ({origin})" if origin else ""
    if key not in known:
        return f"{section}.{key}: unknown setting{did_you_mean(key, known)}{source}"
    if first["type"] == "missing":
        return f"{section}.{key}: must be set"
    # a union reports once for each of its members
    words = " or ".join(dict.fromkeys(_words(details) for details in found))
    return f"{section}.{key}: {words}; it is {shown(first['input'])}{source}{_near_choice(found)}"


def _near_choice(found: Sequence[ErrorDetails]) -> str:
    expected = [str(details.get("ctx", {}).get("expected", "")) for details in found]
    given = found[0]["input"]
    if not isinstance(given, str):  # whose text may be of any length, or refused by Python
        return ""
    return did_you_mean(given[:100], re.findall(r"'([^']*)'", " ".join(expected)))


def _words(details: ErrorDetails) -> str:
    text = re.sub("^(Input|Value error,|Assertion failed,) |, unable to parse .*", "", details["msg"])
    return text[:1].lower() + text[1:]
