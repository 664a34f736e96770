"""The look at what a run reads, before it begins: it finds everything and decodes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from facezoo import FacezooError
from facezoo.training.inputs import check_inputs, open_run_pairs
from facezoo.training.parts import build_parts
from support.faces import identity_folder, pairs_csv
from support.stateful_head import run_settings


@pytest.fixture
def unreadable(tmp_path: Path) -> Path:
    """A training set with pairs, of which one image cannot be decoded."""
    root = identity_folder(tmp_path / "faces", size=16)
    pairs_csv(root)
    (root / "person 0" / "0.png").write_bytes(b"no image")
    return root


def test_an_image_that_cannot_be_decoded_is_left_to_the_run(unreadable: Path):
    settings = run_settings(unreadable, data={"size": 16})
    check_inputs(settings)
    parts = build_parts(
        run_settings(identity_folder(unreadable.parent / "sound", size=16), data={"size": 16})
    )
    with pytest.raises(FacezooError, match=r"0\.png"):
        open_run_pairs(settings, parts.preprocessing)


@pytest.mark.parametrize("change", [{"data": {"path": "nowhere"}}, {"train": {"init_from": "nowhere"}}])
def test_what_is_not_there_is_told_at_once(unreadable: Path, change: dict):
    with pytest.raises(FacezooError, match="nowhere"):
        check_inputs(run_settings(unreadable, **change))
