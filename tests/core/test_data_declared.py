"""Contracts: the one in a checkpoint, and the one that data declares of itself."""

from __future__ import annotations

import os
import string
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facezoo import FacezooError
from facezoo.data import Preprocessing, open_training
from facezoo.data.declared import declared_in_folder
from support.faces import identity_folder, pairs_csv
from support.scored import open_pairs

TEMPLATE = "insightface 5-point template"


def declare(root: Path, **values: object) -> Path:
    lines = [f"{key} = {value!r}" for key, value in values.items()]
    (root / "facezoo.toml").write_text("\n".join(["[preprocessing]", *lines]), encoding="utf-8")
    return root


def test_a_contract_can_be_written_and_read():
    for contract in (
        Preprocessing(64, "as stored"),
        Preprocessing(112, TEMPLATE, fit="crop", mean=0, std=255),
        Preprocessing(112, TEMPLATE, colour="BGR", mean=(104.0, 117.0, 123.0), std=(1.0, 2.0, 1.0)),
    ):
        assert Preprocessing.from_dict(contract.as_dict(), "here") == contract


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop": "random"}, "here: its preprocessing contract cannot be read"),
        ({"mean": [1.0, 2.0]}, "here: its preprocessing contract cannot be read"),
        ({"mean": [1.0, 2.0, "3"]}, "here: its preprocessing contract cannot be read"),
        ({"mean": "abc"}, "here: its preprocessing contract cannot be read"),
        ({"mean": [1.0, 2.0, float("nan")]}, "here: its preprocessing contract cannot be read"),
        ({"std": [1.0, 0.0, 1.0]}, "here: its preprocessing contract cannot be read"),
        ({"size": "64"}, "here: its preprocessing contract cannot be read"),
        ({"colour": "HSV"}, "here: the contract is colour 'HSV'; facezoo gives RGB or BGR"),
        ({"colour": ["RGB"]}, r"here: the contract is colour \['RGB'\]"),
    ],
)
def test_a_contract_that_cannot_be_kept_is_an_error(change: dict, message: str):
    with pytest.raises(FacezooError, match=message):
        Preprocessing.from_dict(Preprocessing(64, "x").as_dict() | change, "here")
    with pytest.raises(FacezooError, match="KeyError"):
        Preprocessing.from_dict({"size": 64}, "here")


def test_the_input_is_what_the_contract_says():
    pixels = np.arange(2 * 3 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 3) * 4
    cpu = torch.device("cpu")
    plain = Preprocessing(3, "x").to_input(pixels, cpu)
    np.testing.assert_array_equal(
        plain, (pixels.transpose(0, 3, 1, 2) - np.float32(127.5)) / np.float32(127.5)
    )
    three = (127.5, 127.5, 127.5)
    assert torch.equal(Preprocessing(3, "x", mean=three, std=three).to_input(pixels, cpu), plain)
    contract = Preprocessing(3, "x", colour="BGR", mean=(104.0, 117.0, 123.0), std=(1.0, 2.0, 4.0))
    found = contract.to_input(pixels, cpu).numpy()
    for channel, (mean, std) in enumerate([(104, 1), (117, 2), (123, 4)]):
        np.testing.assert_array_equal(
            found[:, channel], (pixels[..., 2 - channel].astype(np.float32) - mean) / std
        )
    assert Preprocessing.from_dict(contract.as_dict(), "here") == contract


def test_a_declared_colour_is_that_of_the_files_and_not_of_the_input(tmp_path: Path):
    contract = Preprocessing(32, "x", colour="BGR").as_dict()
    declared_in_folder(declare(tmp_path, colour="RGB")).check(contract, "the backbone")
    with pytest.raises(FacezooError, match="colour: 'BGR' there, 'RGB' here"):
        declared_in_folder(declare(tmp_path, colour="BGR")).check(contract, "the backbone")


def test_undeclared_images_are_resized(tmp_path: Path):
    data = open_training(str(identity_folder(tmp_path, size=40)), 16, 2**30)
    assert data.store.fetch(np.arange(2)).shape == (2, 16, 16, 3)
    assert (data.alignment, data.fit) == ("as stored", "resize")


def test_what_is_declared_becomes_the_contract(tmp_path: Path):
    root = declare(identity_folder(tmp_path), size=32, aspect=1, colour="rgb", alignment=TEMPLATE)
    assert open_training(str(root), 32, 2**30).alignment == TEMPLATE


@pytest.mark.parametrize(
    ("declared", "sides"),
    [
        ({"size": 112}, "size: 112 there, 32 here"),
        ({"colour": "BGR"}, "colour: 'BGR' there, 'RGB' here"),
        ({"aspect": 0.82, "size": 64}, "size: 64 there, 32 here; aspect: 0.82 there, 1.0 here"),
    ],
)
def test_a_contract_that_differs_is_an_error_with_both_sides(tmp_path: Path, declared: dict, sides: str):
    root = declare(identity_folder(tmp_path), **declared)
    with pytest.raises(FacezooError) as error:
        open_training(str(root), 32, 2**30)
    assert f"facezoo.toml declares images that do not fit this run ({sides})" in error.value.message


def test_a_fifo_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "facezoo.toml")
    with pytest.raises(
        FacezooError, match=r"facezoo\.toml: cannot be read \(not a regular file but a named pipe\)"
    ):
        declared_in_folder(tmp_path)


def test_pairs_must_be_aligned_as_the_training_images_were(tmp_path: Path):
    root = declare(identity_folder(tmp_path), alignment=TEMPLATE)
    pairs = str(pairs_csv(root))

    def opened(contract: Preprocessing) -> object:
        return open_pairs(pairs, "auto", "elsewhere", 32, 2**30, contract=contract)

    for alignment in (TEMPLATE, TEMPLATE.upper(), "as stored"):  # the last: nobody said anything of it
        assert opened(Preprocessing(32, alignment))
    with pytest.raises(FacezooError, match=r"do not fit the backbone .*template' there, 'eyes at 1/3' here"):
        opened(Preprocessing(32, "eyes at 1/3"))


def test_pairs_are_fitted_as_the_contract_says(tmp_path: Path):
    root = identity_folder(tmp_path)
    Image.new("RGB", (48, 32)).save(root / "person 0" / "0.png")
    pairs = str(pairs_csv(root))
    with pytest.raises(FacezooError, match=r"person 0/0\.png: .*48 x 32 pixels; the input is 32 x 32"):
        open_pairs(pairs, "auto", "elsewhere", 32, 2**30, contract=Preprocessing(32, "x"))
    assert open_pairs(pairs, "auto", "elsewhere", 32, 2**30, contract=Preprocessing(32, "x", fit="crop"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[preprocessing]\nsiez = 3", "preprocessing.siez: unknown; did you mean 'size'?"),
        ("[preprocessing]\nsize = 1.5", "preprocessing.size: should be a whole number; it is 1.5"),
        ("[preprocessing]\nsize = true", "preprocessing.size: should be a whole number; it is True"),
        ("[preprocessing]\nalignment = 3", "preprocessing.alignment: should be text; it is 3"),
        ("[other]\nsize = 3", "unknown section or setting 'other'"),
        ("preprocessing = 3", "preprocessing is 3"),
        ("[preprocessing]\naspect = nan", "preprocessing.aspect: should be a number; it is nan"),
        ("[preprocessing]\naspect = 1" + 400 * "0", "preprocessing.aspect: should be a number"),
        ("[preprocessing]\nsize = 0", "preprocessing.size: should be a whole number; it is 0"),
        ("[preprocessing]\nsize = 1" + 5000 * "0", "cannot be read"),
        ("a = " + "[" * 100_000, "cannot be read"),
        ("#" * 2**21, "cannot be read (ValueError: it has more than"),
        ('"\\u001b[2J" = 1', r"unknown section or setting '\x1b[2J'"),
        ("[preprocessing", "cannot be read"),
    ],
)
def test_a_declaration_that_is_wrong_is_an_error(tmp_path: Path, text: str, message: str):
    (tmp_path / "facezoo.toml").write_text(text)
    with pytest.raises(FacezooError) as error:
        declared_in_folder(tmp_path)
    assert message in error.value.message


KEYS = st.sampled_from(["size", "aspect", "colour", "alignment", "siez"]) | st.text(
    string.printable, max_size=8
)
VALUES = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["true", "[1]", "{a = 1}", "2024-01-01", "-inf", '"BGR"', "0x10", "1e400"]),
    st.text(string.printable, max_size=12),
)


@pytest.mark.soak
@pytest.mark.slow
@given(
    start=st.sampled_from(["[preprocessing]\n", "", "preprocessing = ", "[[preprocessing]]\n"]),
    lines=st.lists(st.tuples(KEYS, VALUES).map(" = ".join), max_size=4),
    end=st.binary(max_size=8),
)
def test_no_declaration_is_more_than_an_error(tmp_path_factory, start: str, lines: list[str], end: bytes):
    folder = tmp_path_factory.getbasetemp()
    (folder / "facezoo.toml").write_bytes((start + "\n".join(lines)).encode() + end)
    with suppress(FacezooError):
        declared_in_folder(folder).check(Preprocessing(32, "x").as_dict(), "the backbone")
