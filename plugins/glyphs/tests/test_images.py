"""The data source: classes, samples, the split of the characters, and the images themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from facezoo import FacezooError
from facezoo.data import open_store
from facezoo.data.decode import UnreadableImageError
from facezoo.data.opening import own_pairs
from facezoo.data.sources import open_training
from facezoo_glyphs.choosing import held_out
from facezoo_glyphs.images import Glyphs, open_glyphs
from facezoo_glyphs.jitter import jittered
from facezoo_glyphs.request import Request, read_request

HALF = "latin,fonts=3,held_out=0.4"


def test_characters_are_classes_and_fonts_samples(fonts):
    images = open_glyphs(HALF)
    assert len(images) == 3 * len(images.identities) == len(images.names) == len(images.labels)
    assert images.names[0].startswith(f"{images.identities[0]}/style")
    assert len(set(images.names)) == len(images)
    assert np.array_equal(images.labels, np.repeat(np.arange(len(images.identities)), 3))
    pixels = images.read(0)
    assert (pixels.shape, pixels.dtype, pixels.max()) == ((64, 64, 3), np.uint8, 255)
    assert "(U+00" in images.printable(0)
    assert str(fonts) in images.printable(0)


def test_font_files_that_cannot_be_used_are_counted(fonts):
    (fonts / "empty.ttf").touch()
    assert [item.path for item in open_glyphs(HALF).left_out] == [str(fonts / "empty.ttf")]


def test_a_character_is_on_one_side_of_the_split_only(fonts):
    training, rest = open_glyphs(HALF), open_glyphs(f"{HALF},part=held-out")
    assert not set(training.identities) & set(rest.identities)
    assert {*training.identities, *rest.identities} == {f"U+{ord(letter):04X}" for letter in "ABCDEFGHIJKL"}
    assert set(open_glyphs(f"{HALF},seed=1").identities) != set(training.identities)


def test_the_split_and_the_images_stay_when_fonts_are_added(fonts, write_font):
    before, aside = open_glyphs(HALF), open_glyphs(f"{HALF},part=held-out")
    write_font(fonts / "another.ttf", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 9)
    after, then = open_glyphs(HALF), open_glyphs(f"{HALF},part=held-out")
    assert after.identities == before.identities
    assert then.identities == aside.identities
    there = [aside.names.index(name) for name in then.names if name in aside.names]
    here = [number for number, name in enumerate(then.names) if name in aside.names]
    assert 0 < len(there) < len(aside)  # some are drawn by the new font now
    assert all(np.array_equal(aside.read(a), then.read(b)) for a, b in zip(there, here, strict=True))


def test_the_split_is_a_function_of_seed_and_code_point():
    codes = np.arange(0x4E00, 0x9FA6)
    split = held_out(codes, 0, 0.2)
    assert np.array_equal(held_out(codes[::7], 0, 0.2), split[::7])
    assert abs(split.mean() - 0.2) < 0.01
    assert not np.array_equal(held_out(codes, 1, 0.2), split)
    assert held_out(codes, 0, 0.3)[split].all()  # a larger share holds the smaller one


def test_few_characters_are_drawn_out_of_many(fonts):
    many, few = open_glyphs(HALF), open_glyphs(f"{HALF},characters=8")
    assert set(few.identities) < set(many.identities)
    assert len(few.identities) + len(open_glyphs(f"{HALF},characters=8,part=held-out").identities) == 8


def test_what_is_held_out_is_still_and_what_is_trained_on_varies(fonts):
    training, rest = open_glyphs(HALF), open_glyphs(f"{HALF},part=held-out")
    numbers, pixels = (
        np.arange(len(training)),
        np.stack([training.read(image) for image in range(len(training))]),
    )
    first, again, later = (training.vary(pixels.copy(), numbers, 0, epoch) for epoch in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not any(np.array_equal(a, b) for a, b in zip(first, later, strict=True))
    alone = training.vary(pixels[5:7].copy(), numbers[5:7], 0, 1)
    assert np.array_equal(alone, later[5:7])
    assert np.array_equal(rest.read(2), rest.read(2))
    assert rest.vary(pixels, numbers, 0, 3) is pixels
    assert rest.read(0).min() > 0 or rest.read(0).max() < 255  # ink and paper of its own


def test_jitter_keeps_the_character_in_sight():
    dot = np.full((200, 64, 64, 3), 255, np.uint8)
    dot[:, 24:40, 24:40] = 0
    found = jittered(dot, np.arange(200), 0, 0)
    assert (found == found[..., :1]).all()
    middle, edge = found[:, 30:34, 30:34, 0].mean((1, 2)), found[:, :8, :8, 0].mean((1, 2))
    assert (edge - middle > 40).all()
    assert edge.std() > 10
    assert middle.std() > 10


def test_images_are_the_same_in_any_thread(fonts):
    images = open_glyphs(f"{HALF},part=held-out")
    alone = [images.read(image) for image in range(len(images))]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(images.read, [*range(len(images))] * 5))
    assert all(np.array_equal(pixels, alone[number % len(images)]) for number, pixels in enumerate(together))


def test_the_state_tells_every_other_image(fonts, write_font):
    def states(more):
        images = open_glyphs(f"{HALF},{more}")
        return [images.state(n) for n, name in enumerate(images.names) if "style0" in name]

    told = [
        states(more)[0] for more in ("part=held-out", "part=held-out,seed=1", "part=training", "pixels=32")
    ]
    write_font(fonts / "style0.ttf", "ABCDEFGHIJKL", 11)
    told += states("part=held-out")
    assert len(set(told)) == len(told) > 5


def test_pixels_are_cached_as_those_of_any_source(fonts, tmp_path):
    images = open_glyphs(f"{HALF},part=held-out")
    cache = str(tmp_path / "pixels")
    stores = [open_store(images, 32, 2**30, cache=cache) for _ in range(2)]
    assert len(list((tmp_path / "pixels").iterdir())) == 1
    everything = np.arange(len(images))
    assert np.array_equal(stores[0].fetch(everything), stores[1].fetch(everything))


def test_a_run_trains_on_it_and_is_verified_on_held_out_characters(fonts):
    training = open_training(f"glyphs:{HALF}", 32, 2**30)
    assert training.alignment == "a character centred by its ink"
    pairs = own_pairs(f"glyphs:{HALF}")
    count = len(pairs.images)
    assert len(pairs.pairs) == count * (count - 1) // 2
    assert pairs.pairs.same.sum() == 3 * (count // 3)
    assert not set(training.faces.identities) & set(pairs.images.identities)


def test_a_glyph_that_proves_to_be_none_is_unreadable(fonts, monkeypatch):
    images = open_glyphs(HALF)
    blank = type(images.samples)(
        images.samples.codes * 0 + ord("Z"), images.samples.faces, images.samples.drawing
    )
    with pytest.raises(UnreadableImageError, match="draws a placeholder"):
        Glyphs("glyphs", images.request, blank).read(0)


@pytest.mark.parametrize(
    ("rest", "request_"),
    [
        ("", Request()),
        ("hangul", Request(script="hangul")),
        ("Han,fonts=30,seed=3", Request(script="han", fonts=30, seed=3)),
        ("fonts=30,part=held-out", Request(fonts=30, part="held-out")),
        ("folder=/a,b=c/d", Request(folder="/a,b=c/d")),
        ("latin,folder=~", Request(script="latin", folder="~")),
    ],
)
def test_what_is_asked_for(rest, request_):
    assert read_request(rest) == request_


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("han,font=3", "glyphs.font: unknown setting; did you mean 'fonts'?"),
        ("han,fonts=two", "glyphs.fonts: should be a valid integer"),
        ("han,fonts=1", "glyphs.fonts: should be greater than or equal to 2; it is '1'"),
        ("han,fonts=3,fonts=4", "glyphs.fonts: said twice"),
        ("fonts=3,han", "glyphs: 'han' is no setting"),
        ("hann", "did you mean 'han'"),
        ("han,part=heldout", "did you mean 'held-out'?"),
    ],
)
def test_what_is_asked_wrongly(rest, message):
    with pytest.raises(FacezooError) as caught:
        read_request(rest)
    assert message in str(caught.value)


def test_a_folder_of_fonts_is_found_from_anywhere(fonts, monkeypatch):
    monkeypatch.setenv("HOME", str(fonts.parent))
    assert read_request("folder=~/fonts").folder == fonts
    monkeypatch.chdir(fonts.parent)
    with pytest.raises(FacezooError, match="'fonts' is relative") as caught:
        open_glyphs("latin,fonts=2,folder=fonts")
    assert caught.value.hint == f"Say folder={fonts}."
    assert len(open_glyphs(f"latin,fonts=2,folder={fonts}"))


def test_too_few_fonts_are_told_with_what_there_is(fonts):
    with pytest.raises(FacezooError, match="no more than 3 of the 3 fonts share a character") as caught:
        open_glyphs("latin,fonts=4")
    assert "--list-fonts" in caught.value.hint
    with pytest.raises(FacezooError, match="No font here has any"):
        open_glyphs("han")
