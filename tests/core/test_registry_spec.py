"""The record of a head, and whether a requirement admits this facezoo."""

from __future__ import annotations

import dataclasses

import pytest
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion
from pydantic import Field, ValidationError

from facezoo import HeadConfig, HeadSpec, StepsOrFraction, __version__
from facezoo.registry.compatibility import _admits_plainly, canonical, incompatibility


class Config(HeadConfig):
    margin: float = Field(0.2, ge=0)


def test_a_spec_cannot_be_changed_and_knows_its_defaults():
    spec = HeadSpec(name="n", summary="s", config=Config, factory="m:C", api_version=1)
    assert (spec.revision, spec.paper, spec.tags, spec.presets, spec.properties) == (
        1,
        "",
        (),
        {},
        frozenset(),
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "other"


@pytest.mark.parametrize("settings", [{"margn": 0.1}, {"margin": -1}, {"margin": float("nan")}])
def test_a_config_forbids_what_it_does_not_know_or_admit(settings):
    with pytest.raises(ValidationError):
        Config(**settings)


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Config().margin = 0.5


def test_a_default_out_of_range_is_found():
    class Wrong(HeadConfig):
        margin: float = Field(-1.0, ge=0)

    with pytest.raises(ValidationError):
        Wrong()


class Lengths(HeadConfig):
    start: StepsOrFraction = Field(0.1, ge=0)


@pytest.mark.parametrize("length", [0, 0.02, 0.5, 1, 1.0, 8000])
def test_a_length_is_whole_steps_or_a_fraction(length):
    assert Lengths(start=length).start == length


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        (1.5, "1.5 is neither whole steps nor, below 1, a fraction"),
        (-1, "greater than or equal to 0"),
        (float("inf"), "finite"),
        ("8", "valid number"),
    ],
)
def test_a_length_that_is_neither_is_refused(length, reason):
    with pytest.raises(ValidationError, match=reason):
        Lengths(start=length)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], ""),
        (["numpy>=99"], ""),
        (["facezoo"], ""),
        (["facezoo>=0.1,<0.2"], ""),
        (["Facezoo (>=0.1)"], ""),
        (["facezoo>=9"], f"requires facezoo >=9, and this is facezoo {__version__}"),
        (["facezoo<0.1; python_version >= '3'"], f"requires facezoo <0.1, and this is facezoo {__version__}"),
        (["facezoo>=9; python_version < '3'"], ""),
        (["facezoo>=9; extra == 'later'"], ""),
        (["facezoo-cosface>=9"], ""),
        (["facezoo >> 1"], "its requirement on facezoo cannot be read: 'facezoo >> 1'"),
    ],
)
def test_incompatibility_reads_requirements_on_facezoo_only(lines, reason):
    assert incompatibility(lines, __version__) == reason


@pytest.mark.parametrize("version", ["0.1", "0.1.0", "0.2", "1.10.0", "0.2.0rc1", "0.2.post1", "unknown"])
@pytest.mark.parametrize(
    "bounds", [">=0.1,<0.2", ">= 0.1, < 0.2", ">0.1", "<=0.1.0.0", ">=0.2", "<1.9", "", ">=0.1,", "==0.1.*"]
)
def test_what_plain_bounds_admit_is_what_packaging_admits(version, bounds):
    plainly = _admits_plainly(f"facezoo{bounds}", version)
    try:
        admitted = SpecifierSet(bounds).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        admitted = False
    simple = bounds in (">=0.1,<0.2", ">= 0.1, < 0.2", ">0.1", "<=0.1.0.0", ">=0.2", "<1.9")
    assert plainly == (admitted and simple and version.replace(".", "").isdigit())


def test_canonical_names():
    assert {canonical(name) for name in ("Face_Zoo.X", "face-zoo--x", "FACE.zoo-x")} == {"face-zoo-x"}
