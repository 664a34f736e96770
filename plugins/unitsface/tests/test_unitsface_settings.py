"""What settings of UniTSFace fit together, and what is said where they do not."""

from __future__ import annotations

import pytest

import facezoo


def test_epochs_need_steps_per_epoch(make_dense):
    with pytest.raises(facezoo.FacezooError, match="steps_per_epoch"):
        make_dense("unitsface")
    make_dense("unitsface", memory_epochs=0.0)


def test_the_pair_part_may_begin_after_a_fraction_of_the_run(make_dense):
    settings = {"memory_epochs": 0.0, "memory_fraction": 0.25, "total_steps": 40}
    assert make_dense("unitsface", **settings).head.start == 10
    with pytest.raises(facezoo.FacezooError, match="set one of them to 0"):
        make_dense("unitsface", **{**settings, "memory_epochs": 1.0}, steps_per_epoch=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory_epochs": 1.0}, "set memory_epochs to 0"),
        ({"memory_fraction": 0.1}, "and memory_fraction too"),
        ({"combine": "mean"}, "set combine to 'sum'"),
    ],
)
def test_pairs_alone_need_settings_that_fit(make_dense, settings, message):
    settings = {"memory_epochs": 0.0, **settings}
    with pytest.raises(facezoo.FacezooError, match=message):
        make_dense("unitsface", class_loss="none", steps_per_epoch=2, **settings)


@pytest.mark.parametrize(
    "settings", [{"combine": "max"}, {"uss_margin": 1.0}, {"memory_epochs": -1}, {"scale": 0}]
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("unitsface", steps_per_epoch=2, **settings)
