"""Where an erased square lies: it can touch every edge, and nothing outside it changes."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.data.effects import erase

SIZE = 10


@pytest.mark.parametrize(
    ("x", "y", "left", "top"), [(0.0, 0.0, 0, 0), (0.999, 0.0, 7, 0), (0.0, 0.999, 0, 7), (0.5, 0.999, 4, 7)]
)
def test_a_square_reaches_the_edges(x: float, y: float, left: int, top: int):
    pixels = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    expected = pixels.copy()
    expected[1, top : top + 3, left : left + 3] = 128
    each = [np.array([0.0, value]) for value in (0.3, x, y, 0.5)]
    erase(pixels, np.array([1]), *each)
    assert np.array_equal(pixels, expected)


def test_the_smallest_square_is_a_pixel():
    pixels = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    erase(pixels, np.array([0]), *(np.array([value]) for value in (0.0, 0.999, 0.999, 0.999)))
    assert pixels.any(-1).sum() == 1
    assert pixels[0, -1, -1].tolist() == [255, 255, 255]
