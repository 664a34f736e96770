"""Tools to test plug-ins with: the conformance kit, a gradient check that knows held values, and a meter of
what a computation allocates. Tests import them as `facezoo.testing`.

A test file of three lines holds an installed head to all checks::

    from facezoo.testing import parametrize_head_checks

    @parametrize_head_checks("NAME")
    def test_head(check): check()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo._lazy import lazy_names

if TYPE_CHECKING:
    from facezoo_conformance.allocation import AllocationMeter
    from facezoo_conformance.door import parametrize_head_checks
    from facezoo_conformance.gradients import gradient_check
    from facezoo_conformance.kit import CheckResult, HeadCheck, head_checks

__all__ = [
    "AllocationMeter",
    "CheckResult",
    "HeadCheck",
    "gradient_check",
    "head_checks",
    "parametrize_head_checks",
]

# torch comes with each of these: writing a package does without it
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AllocationMeter": "facezoo_conformance.allocation",
        "CheckResult": "facezoo_conformance.kit",
        "HeadCheck": "facezoo_conformance.kit",
        "gradient_check": "facezoo_conformance.gradients",
        "head_checks": "facezoo_conformance.kit",
        "parametrize_head_checks": "facezoo_conformance.door",
    },
)
