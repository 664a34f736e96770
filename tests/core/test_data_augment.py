"""Augmentation: each kind does what it says, alike in any batch, and differently in every epoch."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from facezoo.data import Augmentation, augment
from facezoo.data.draws import uniform
from facezoo.settings.sections import DataSettings

IMAGES = np.arange(200)
KINDS = {
    "flip": True,
    "crop": 0.6,
    "jitter": 0.3,
    "grey": 0.5,
    "blur": 0.5,
    "low_resolution": 0.5,
    "erase": 0.5,
}
ALL = Augmentation(**KINDS)


def pixels(count: int = len(IMAGES), size: int = 16) -> np.ndarray:
    """The same smooth image `count` times: red grows to the right, green downwards."""
    ramp = np.linspace(40, 200, size).round().astype(np.uint8)
    red, green = np.broadcast_to(ramp, (size, size)), np.broadcast_to(ramp[:, None], (size, size))
    return np.repeat(np.stack([red, green, np.full_like(red, 120)], -1)[None], count, 0)


def changed(result: np.ndarray) -> np.ndarray:
    return (result != pixels(len(result))).any((1, 2, 3))


def test_the_default_does_nothing():
    assert np.array_equal(Augmentation().apply(pixels(), IMAGES, 0, 0), pixels())


@pytest.mark.parametrize(
    "augmentation", [*(Augmentation(**{kind: value}) for kind, value in KINDS.items()), ALL]
)
def test_an_image_is_augmented_alike_in_any_batch_and_anew_in_every_epoch(augmentation: Augmentation):
    together = augmentation.apply(noise(), IMAGES, 3, 5)
    reverse = augmentation.apply(noise(), IMAGES[::-1], 3, 5)[::-1]
    alone = np.concatenate([augmentation.apply(noise(1), IMAGES[n : n + 1], 3, 5) for n in range(20)])
    assert np.array_equal(together, reverse)
    assert np.array_equal(together[:20], alone)
    assert not np.array_equal(together, augmentation.apply(noise(), IMAGES, 3, 6))
    assert not np.array_equal(together, augmentation.apply(noise(), IMAGES, 4, 5))
    assert together.dtype == np.uint8


def test_a_crop_is_a_part_of_the_image_enlarged():
    result = Augmentation(crop=0.6).apply(pixels(), IMAGES, 0, 0).astype(int)
    red, green = result[..., 0], result[..., 1]
    assert (result[..., 2] == 120).all()
    assert ((red >= 40) & (red <= 200)).all()
    wide, high = red[:, 8, -1] - red[:, 8, 0], green[:, -1, 8] - green[:, 0, 8]
    for extent in (wide, high):
        assert extent.min() >= 160 * 0.6 * np.exp(-0.1) - 14
        assert extent.max() <= 160
    assert np.corrcoef(wide, high)[0, 1] > 0.6
    assert np.ptp(red[:, 8, 0]) > 30, "crops lie at different places"


def test_jitter_changes_contrast_and_brightness_within_bounds():
    result = Augmentation(jitter=0.3).apply(pixels(), IMAGES, 0, 0).astype(float)
    spread = result[:, 8, -1, 0] - result[:, 8, 0, 0]
    assert 160 * 0.7 - 1 <= spread.min() < 160 * 0.75
    assert 160 * 1.25 < spread.max() <= 160 * 1.3 + 1
    middle = result.mean((1, 2, 3)) - pixels().mean()
    assert -40 < middle.min() < -30
    assert 30 < middle.max() < 40


def noise(count: int = len(IMAGES), size: int = 32) -> np.ndarray:
    image = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return np.repeat(image[None], count, 0)


def roughness(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image.astype(int), axis=0)).mean())


def test_grey_takes_the_colour_out_of_its_share():
    result = Augmentation(grey=0.5).apply(noise(), IMAGES, 0, 0)
    same = (result == result[..., :1]).all((1, 2, 3))
    assert 70 < same.sum() < 130
    assert np.array_equal(result[~same], noise()[~same])
    luma = noise()[0] @ [0.299, 0.587, 0.114]
    assert np.abs(result[same][0, ..., 0] - luma).max() <= 1
    assert Augmentation(grey=1.0).apply(np.full((1, 4, 4, 3), 255, np.uint8), IMAGES[:1], 0, 0).min() == 255


def test_blur_smooths_its_share_more_or_less():
    result = Augmentation(blur=0.5).apply(noise(size=64), IMAGES, 0, 0)
    touched = (result != noise(size=64)).any((1, 2, 3))
    assert 70 < touched.sum() < 130
    rough = [roughness(image) for image in result[touched]]
    assert max(rough) < roughness(noise(size=64)[0])
    assert max(rough) > 2 * min(rough), "of several widths"
    assert np.abs(result.mean((1, 2, 3)) - noise(size=64).mean()).max() < 2


def test_low_resolution_loses_detail_and_keeps_the_rest():
    result = Augmentation(low_resolution=0.5).apply(noise(size=64), IMAGES, 0, 0)
    touched = (result != noise(size=64)).any((1, 2, 3))
    assert 70 < touched.sum() < 130
    assert max(roughness(image) for image in result[touched]) < 0.75 * roughness(noise(size=64)[0])
    smooth = Augmentation(low_resolution=1.0).apply(pixels(size=64), IMAGES, 0, 0)
    assert np.abs(smooth.astype(int) - pixels(size=64))[:, 6:-6, 6:-6].max() <= 4


def test_an_augmentation_that_is_added_leaves_the_draws_of_the_others():
    plain = Augmentation(flip=True).apply(noise(), IMAGES, 1, 2)
    both = Augmentation(flip=True, grey=0.5).apply(noise(), IMAGES, 1, 2)
    assert np.array_equal(plain[(both == plain).all((1, 2, 3))], both[(both == plain).all((1, 2, 3))])
    assert (both == plain).all((1, 2, 3)).sum() > 70


def test_no_draw_serves_two_purposes(monkeypatch: pytest.MonkeyPatch):
    drawn: list[str] = []

    def recorded(seed: int, epoch: int, images: np.ndarray, purpose: str) -> np.ndarray:
        drawn.append(purpose)
        return uniform(seed, epoch, images, purpose)

    monkeypatch.setattr(augment, "uniform", recorded)
    ALL.apply(noise(), IMAGES, 0, 0)
    assert len(drawn) == len(set(drawn)) == 17


def test_every_kind_is_a_setting():
    sections = DataSettings.model_fields
    for kind in fields(Augmentation):
        assert kind.name in sections
        assert type(kind.default) is type(sections[kind.name].default)


def test_erasing_paints_a_square_in_its_share_of_images():
    result = Augmentation(erase=0.5).apply(pixels(), IMAGES, 0, 0)
    assert 70 < changed(result).sum() < 130
    for image in result[changed(result)]:
        where = (image != pixels(1)[0]).any(2)
        rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
        square = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert 3 <= max(square.shape[:2]) <= 8
        assert len(np.unique(square)) == 1
