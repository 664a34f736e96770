"""The look at what a run reads, before it begins: it finds everything and decodes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from facezoo import FacezooError
from facezoo.training import train
from facezoo.training.inputs import check_inputs
from support.faces import identity_folder, pairs_csv
from support.stateful_head import run_settings


@pytest.fixture
def unreadable(tmp_path: Path) -> Path:
    """A training set with pairs, of which one image cannot be decoded."""
    root = identity_folder(tmp_path / "faces", size=16)
    pairs_csv(root)
    (root / "person 0" / "0.png").write_bytes(b"no image")
    return root


def test_an_image_that_cannot_be_decoded_is_left_to_the_run(unreadable: Path, tmp_path: Path):
    sound = identity_folder(tmp_path / "sound", size=16)
    evaluate = {"pairs": str(unreadable / "pairs.csv"), "images": str(unreadable)}
    settings = run_settings(sound, data={"size": 16}, evaluate=evaluate)
    check_inputs(settings)
    with pytest.raises(FacezooError, match=r"pairs\.csv: 1 images cannot be decoded, such as .*0\.png"):
        train(settings, tmp_path / "run")


@pytest.mark.parametrize("change", [{"data": {"path": "nowhere"}}, {"train": {"init_from": "nowhere"}}])
def test_what_is_not_there_is_told_at_once(unreadable: Path, change: dict):
    with pytest.raises(FacezooError, match="nowhere"):
        check_inputs(run_settings(unreadable, **change))
