"""A list of pairs as a whole: repeats are counted, what no list may hold is named."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.data import Pairs
from facezoo.data.listing import check_list
from support.faces import identity_folder
from support.scored import open_pairs
from support.searches import short_and_long

listed = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=30)


@short_and_long
@given(listed)
def test_a_list_is_looked_at_as_a_loop_would(length, lines):
    left, right = (np.array([line[side] for line in lines], np.int64) for side in (0, 1))
    pairs = Pairs(left, right, np.array([line[2] for line in lines], np.bool_))
    seen: dict[frozenset[int], bool] = {}
    first, itself, both = [], False, False
    for a, b, truth in lines:
        key = frozenset((a, b))
        first.append(key not in seen)
        itself |= a == b
        both |= seen.setdefault(key, truth) != truth
    listing = pairs.listing
    assert listing.first.tolist() == first
    assert listing.again == len(lines) - len(seen)
    groups: dict[frozenset[int], set[int]] = {}
    for (a, b, _), number in zip(lines, listing.pair.tolist(), strict=True):
        groups.setdefault(frozenset((a, b)), set()).add(number)
    assert sorted(map(tuple, groups.values())) == [(number,) for number in range(len(seen))]
    names = [f"{n}.png" for n in range(6)]
    if itself or both:
        message = "against itself" if itself else "both as genuine and as impostor"
        with pytest.raises(FacezooError, match=message):
            check_list("p", names, pairs)
    else:
        check_list("p", names, pairs)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["person 0/1.png,person 0/1,1"], r"1 of 3 pairs are an image against itself: 'person 0/1\.png'$"),
        (
            ["person 1/0,person 0/0,1"],
            r"1 pairs are listed both as genuine and as impostor: 'person 1/0\.png' and 'person 0/0\.png'$",
        ),
    ],
)
def test_what_no_list_may_hold_is_refused_before_an_image_is_decoded(tmp_path: Path, lines, message):
    root = identity_folder(tmp_path, images=2)
    (root / "person 0" / "0.png").write_bytes(b"")  # would be an error of its own
    text = ["a,b,same", "person 0/0.png,person 0/1.png,1", "person 0/0.png,person 1/0.png,0", *lines]
    (root / "pairs.csv").write_text("\n".join(text))
    with pytest.raises(FacezooError) as raised:
        open_pairs(str(root / "pairs.csv"), "auto", "elsewhere", 32, 2**20)
    assert re.search(message, raised.value.message)


def test_many_are_named_in_part():
    numbers = np.arange(9)
    with pytest.raises(FacezooError, match=r"9 of 9 pairs .*: '0', '1', '2', and 6 more"):
        check_list("p", [str(n) for n in numbers], Pairs(numbers, numbers, numbers > 3))
    left, right = np.append(numbers, numbers + 1), np.append(numbers + 1, numbers)
    with pytest.raises(FacezooError, match=r"9 pairs .*: '1' and '0', '2' and '1', '3' and '2', and 6 more"):
        check_list("p", [str(n) for n in range(10)], Pairs(left, right, np.arange(18) < 9))
