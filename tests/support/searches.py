"""Properties that every change is tried on for a short while, and `make soak` for a long one."""

from __future__ import annotations

import pytest

short_and_long = pytest.mark.parametrize("length", ["short", pytest.param("long", marks=pytest.mark.soak)])
"""Above hypothesis' `given`, on a test whose first argument is `length`: the profile has the numbers."""
