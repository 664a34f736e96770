"""Order and augmentation are functions of (seed, epoch, image) alone; every image comes once per epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.data import Augmentation, ImageFiles
from facezoo.data.batches import Batches, in_order
from facezoo.data.draws import bits, order, uniform

NONE, FLIP = Augmentation(), Augmentation(flip=True)


class Numbered:
    """A store whose image n is filled with n, its left half one higher."""

    images = ImageFiles(Path(), ())  # as plain files, which do not vary

    def __init__(self, count: int) -> None:
        self.count, self.unreadable = count, {}

    def __len__(self) -> int:
        return self.count

    def fetch(self, images):
        pixels = np.repeat(images.astype(np.uint8), 4 * 4 * 3).reshape(-1, 4, 4, 3)
        pixels[:, :, :2] += 1
        return pixels


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 120), st.integers(2, 130), st.integers(0, 2**63 - 1), st.integers(0, 5))
def test_an_epoch_goes_once_through_all_images_in_even_batches(count: int, size: int, seed: int, epoch: int):
    batches = Batches(Numbered(count), size, seed, FLIP)
    images = batches.images(epoch)
    sizes = [len(batch) for batch in images]
    assert sorted(np.concatenate(images).tolist()) == list(range(count))
    assert len(images) == len(batches)
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= max(size, 3)


@pytest.mark.parametrize(("count", "size"), [(1, 8), (8, 1)])
def test_batches_of_one_are_refused(count: int, size: int):
    with pytest.raises(FacezooError, match=r"train\.batch_size"):
        Batches(Numbered(count), size, 0, NONE)


def epoch(first: int = 0, seed: int = 3, number: int = 1) -> list[tuple[list[int], bytes]]:
    batches = Batches(Numbered(50), 8, seed, FLIP)
    return [(batch.images.tolist(), batch.pixels.tobytes()) for batch in batches.epoch(number, first)]


def test_an_epoch_can_be_entered_anywhere():
    whole = epoch()
    for first in range(len(whole) + 1):
        assert epoch(first) == whole[first:]


def test_epochs_and_seeds_differ():
    assert epoch() != epoch(number=2)
    assert epoch() != epoch(seed=4)


def test_an_image_is_mirrored_alike_whatever_batch_it_is_in():
    batches = Batches(Numbered(50), 8, 3, FLIP)
    together = batches.load(np.arange(50), 1).pixels
    for image in range(50):
        assert np.array_equal(batches.load(np.array([image]), 1).pixels[0], together[image])
    mirrored = together[:, 0, 0, 0] == np.arange(50)  # the higher half lies on the right
    assert 10 < mirrored.sum() < 40
    assert np.array_equal(together[mirrored, :, ::-1], Numbered(50).fetch(np.flatnonzero(mirrored)))


def test_without_flip_nothing_is_mirrored():
    batches = Batches(Numbered(50), 8, 3, NONE)
    assert np.array_equal(batches.load(np.arange(50), 1).pixels, Numbered(50).fetch(np.arange(50)))


def test_an_epoch_may_be_left_early():
    batches = Batches(Numbered(50), 8, 3, FLIP).epoch(0)
    next(batches)
    batches.close()


def test_an_error_in_a_batch_comes_at_its_turn():
    class Broken(Numbered):
        def fetch(self, images):
            if 7 in images:
                raise FacezooError("image 7")
            return super().fetch(images)

    batches = Batches(Broken(50), 8, 3, NONE)
    position = next(n for n, images in enumerate(batches.images(0)) if 7 in images)
    epoch = batches.epoch(0)
    for _ in range(position):
        next(epoch)
    with pytest.raises(FacezooError, match="image 7"):
        next(epoch)


def test_all_images_in_order():
    parts = list(in_order(Numbered(23), 5))
    assert [len(part) for part in parts] == [5, 5, 5, 5, 3]
    assert np.array_equal(np.concatenate(parts), Numbered(23).fetch(np.arange(23)))


def test_draws_are_uniform_and_independent():
    images = np.arange(100_000)
    first = uniform(0, 0, images, "flip")
    assert ((first >= 0) & (first < 1)).all()
    counts, _ = np.histogram(first, 20, (0, 1))
    assert np.abs(counts - 5000).max() < 350  # 5 standard deviations
    for other in (
        uniform(1, 0, images, "flip"),
        uniform(0, 1, images, "flip"),
        uniform(0, 0, images, "crop"),
    ):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.02
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.02


def test_draws_stay_what_they_are():
    """Changing them would change every published figure and break every resumed run."""
    assert bits(0, 0, np.arange(2), "order").tolist() == [9053952812595772113, 11082417772449611897]
    assert order(0, 0, 8).tolist() == [6, 0, 2, 3, 4, 7, 1, 5]


class Damaged(Numbered):
    """Of its images some cannot be decoded."""

    def __init__(self, count: int, *unreadable: int) -> None:
        super().__init__(count)
        self.unreadable = dict.fromkeys(unreadable, "truncated")

    def fetch_readable(self, images):
        kept = images[~np.isin(images, list(self.unreadable))]
        gone = {image: "truncated" for image in images.tolist() if image in self.unreadable}
        return kept, self.fetch(kept), gone


@given(st.integers(4, 60), st.integers(2, 20), st.data(), st.sampled_from([2, 4]))
def test_skipping_is_a_function_of_the_images(count: int, size: int, data: st.DataObject, least: int):
    size = max(size, least)
    unreadable = data.draw(st.sets(st.integers(0, count - 1), max_size=count - least))
    batches = Batches(Damaged(count, *unreadable), size, 3, FLIP, skip=True, least=least)
    found = list(batches.epoch(1))
    for plan, batch in zip(batches.images(1), found, strict=True):
        assert batch.skipped.keys() == unreadable & set(plan.tolist())
        kept = [image for image in plan.tolist() if image not in unreadable]
        assert batch.images.tolist()[: len(kept)] == kept
        assert len(batch.images) == max(least, len(kept)) if len(plan) >= least else True
        assert len(set(batch.images.tolist())) == len(batch.images) == len(batch.pixels)
    seen = set(np.concatenate([batch.images for batch in found]).tolist())
    assert seen == set(range(count)) - unreadable
    again = [
        batches.load(plan, 1) for plan in batches.images(1)
    ]  # in whatever order, with nothing remembered
    assert all(np.array_equal(one.images, two.images) for one, two in zip(found, again, strict=True))


def test_without_unreadable_images_skipping_changes_nothing():
    plain, skipping = (Batches(Damaged(50), 8, 3, FLIP, skip=skip).epoch(2) for skip in (False, True))
    for one, two in zip(plain, skipping, strict=True):
        assert np.array_equal(one.images, two.images)
        assert np.array_equal(one.pixels, two.pixels)
        assert two.skipped == {}


def test_a_batch_that_lost_its_images_is_filled_up_from_what_follows_it():
    first, second = Batches(Damaged(12), 6, 3, NONE).images(0)
    lost = Batches(Damaged(12, *first.tolist()), 6, 3, NONE, skip=True)
    assert [batch.images.tolist() for batch in lost.epoch(0)] == [second.tolist()[:2], second.tolist()]
    last = Batches(Damaged(12, *second.tolist()[1:]), 6, 3, NONE, skip=True)
    assert next(last.epoch(0, 1)).images.tolist() == [second[0], first[0]]  # after the last comes the first


def test_too_few_readable_images_end_the_run():
    batches = Batches(Damaged(12, *range(11)), 6, 3, NONE, skip=True)
    with pytest.raises(FacezooError, match="1 of 12 training images can be decoded; a step needs 2"):
        list(batches.epoch(0))
