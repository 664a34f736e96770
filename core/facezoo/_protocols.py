"""The protocols that pairs come in, by name; apart, so that the command line can offer them without numpy."""

from __future__ import annotations

from typing import Final, Literal, get_args

PairsProtocol = Literal["lfw", "cfp-ff", "cfp-fp", "csv"]
PAIRS_PROTOCOLS: Final[tuple[str, ...]] = get_args(PairsProtocol)
