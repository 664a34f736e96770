"""Tools to test plug-ins with: the checks of each kind, a gradient check that knows held values, and a meter
of what a computation allocates. Tests import them as `facezoo.testing`.

A test file of three lines holds an installed plug-in to all checks::

    from facezoo.testing import parametrize_checks

    @parametrize_checks("head", "NAME")
    def test_head(check): check()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo._lazy import lazy_names

if TYPE_CHECKING:
    from facezoo_conformance.allocation import AllocationMeter
    from facezoo_conformance.door import checks, parametrize_checks, parametrize_head_checks
    from facezoo_conformance.gradients import gradient_check
    from facezoo_conformance.heads.kit import HeadCheck, head_checks
    from facezoo_conformance.judging import Check, CheckResult

__all__ = [
    "AllocationMeter",
    "Check",
    "CheckResult",
    "HeadCheck",
    "checks",
    "gradient_check",
    "head_checks",
    "parametrize_checks",
    "parametrize_head_checks",
]

# torch comes with most of these: writing a package does without it
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AllocationMeter": "facezoo_conformance.allocation",
        "Check": "facezoo_conformance.judging",
        "CheckResult": "facezoo_conformance.judging",
        "HeadCheck": "facezoo_conformance.heads.kit",
        "checks": "facezoo_conformance.door",
        "gradient_check": "facezoo_conformance.gradients",
        "head_checks": "facezoo_conformance.heads.kit",
        "parametrize_checks": "facezoo_conformance.door",
        "parametrize_head_checks": "facezoo_conformance.door",
    },
)
