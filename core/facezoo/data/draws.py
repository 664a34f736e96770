"""Random numbers that are functions of (seed, epoch, image) and of nothing else.

No generator is carried along: any draw can be made again at any time, in any order, in any process. That is
what makes resuming in the middle of an epoch exact.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt


def bits(seed: int, epoch: int, images: npt.NDArray[np.int64], purpose: str) -> npt.NDArray[np.uint64]:
    """64 random bits for each image number; draws for different purposes are independent.

    A hashed key per (seed, epoch, purpose), then SplitMix64's finaliser per image (Steele, Lea and Flood
    2014).
    """
    digest = hashlib.blake2b(f"{purpose}/{seed}/{epoch}".encode(), digest_size=8).digest()
    key = np.frombuffer(digest, "<u8")
    state = key + (images.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = state ^ (state >> np.uint64(31))
    return mixed


def uniform(seed: int, epoch: int, images: npt.NDArray[np.int64], purpose: str) -> npt.NDArray[np.float64]:
    """One number in [0, 1) for each image."""
    return (bits(seed, epoch, images, purpose) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def order(seed: int, epoch: int, count: int) -> npt.NDArray[np.int64]:
    """A random order of the numbers 0 to count - 1, int64 [count]."""
    return np.argsort(bits(seed, epoch, np.arange(count), "order"), kind="stable")
