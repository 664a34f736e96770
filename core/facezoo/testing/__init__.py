"""Tools to test a head with: the conformance kit, a gradient check that knows held values, and a meter of
what a computation allocates.

A test file of three lines holds an installed head to all checks::

    from facezoo.testing import parametrize_head_checks

    @parametrize_head_checks("NAME")
    def test_head(check): check()
"""

from __future__ import annotations

from facezoo.testing.allocation import AllocationMeter
from facezoo.testing.door import parametrize_head_checks
from facezoo.testing.gradients import gradient_check
from facezoo.testing.kit import CheckResult, HeadCheck, head_checks

__all__ = [
    "AllocationMeter",
    "CheckResult",
    "HeadCheck",
    "gradient_check",
    "head_checks",
    "parametrize_head_checks",
]
