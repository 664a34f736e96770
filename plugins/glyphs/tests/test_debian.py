"""Fonts as Debian has them: those that are installed, and in the soak those that could be."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from facezoo_glyphs.images import open_glyphs
from facezoo_glyphs.packages import PACKAGES
from facezoo_glyphs.survey import survey

DEBIAN = Path("/usr/share/fonts/truetype")
SOME = (
    *("arphic/ukai.ttc", "arphic/gkai00mp.ttf", "droid/DroidSansFallbackFull.ttf", "wqy/wqy-microhei.ttc"),
    *("takao-gothic/TakaoGothic.ttf", "takao-gothic/TakaoPGothic.ttf", "kiloji/kiloji.ttf"),
)


@pytest.mark.slow
def test_installed_fonts_give_images_of_what_they_have(tmp_path: Path):
    there = [DEBIAN / name for name in SOME if (DEBIAN / name).exists()]
    if len(there) < 3:
        pytest.skip(
            "fewer than three of some fonts of Debian's are installed: facezoo data glyphs --list-fonts"
        )
    for path in there:
        (tmp_path / path.name).symlink_to(path)
    found = survey(f"han,fonts=2,folder={tmp_path}")
    assert found.characters[2] > 5_000
    assert not found.left_out
    named = [{face.path.name for face in design.faces} for design in found.designs]
    takao = {"TakaoGothic.ttf", "TakaoPGothic.ttf"}
    assert all(takao <= names for names in named if takao & names) or not takao <= {p.name for p in there}
    images = open_glyphs(f"han,fonts=2,characters=400,folder={tmp_path}")
    ink = np.array([(images.read(image) < 128).mean() for image in range(len(images))])
    assert ink.min() > 0.002
    assert ink.max() < 0.6


@pytest.mark.soak
def test_the_packages_that_are_named_give_ten_thousand_classes(tmp_path: Path):
    if shutil.which("apt-get") is None:
        pytest.skip("no apt-get here")
    fetched = subprocess.run(
        ["apt-get", "download", *PACKAGES["han"]], cwd=tmp_path, capture_output=True, text=True
    )
    if fetched.returncode:
        pytest.skip(f"apt-get cannot fetch the fonts: {fetched.stderr.strip().splitlines()[-1:]}")
    for package in tmp_path.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, tmp_path / "fonts"], check=True)
    found = survey(f"han,fonts=20,folder={tmp_path / 'fonts'}")
    assert found.training + found.held_out > 12_000
    assert len(found.designs) > 60
    images = open_glyphs(f"han,fonts=20,characters=2000,folder={tmp_path / 'fonts'}")
    assert all((images.read(image) < 255).any() for image in range(0, len(images), 7))
