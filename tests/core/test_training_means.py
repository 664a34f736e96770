"""Means of an epoch weigh steps by their images, and rates by their time."""

from __future__ import annotations

import math

import pytest

from facezoo.training.means import Means


def step(loss: float | None, rate: float, lr: float = 0.1) -> dict[str, object]:
    return {"loss": loss, "terms": {"own": loss}, "lr": lr, "images_per_second": rate}


def test_images_weigh_and_seconds_add_up():
    means = Means()
    means.add(step(1.0, rate=5.0), images=10)  # two seconds
    means.add(step(3.0, rate=10.0, lr=0.2), images=30)  # three
    found = means.figures()
    assert found == {"loss": 2.5, "terms": {"own": 2.5}, "lr": 0.2, "images_per_second": pytest.approx(8.0)}


def test_what_was_not_finite_or_not_timed_stays_so():
    means = Means()
    means.add(step(None, rate=0.0), images=10)
    found = means.figures()
    assert math.isnan(found["loss"])
    assert math.isnan(found["images_per_second"])
