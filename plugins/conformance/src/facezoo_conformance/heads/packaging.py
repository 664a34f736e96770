"""Checks of the distribution that offers a head."""

from __future__ import annotations

from facezoo.registry.entries import HEADS
from facezoo_conformance.heads.rules import RULES
from facezoo_conformance.packaging import GROUP, enter_no_torch, enter_requirement

__all__ = ["GROUP"]

enter_requirement(RULES)
enter_no_torch(RULES, HEADS)
