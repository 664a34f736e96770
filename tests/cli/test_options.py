"""Options that commands share."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from facezoo import FacezooError
from facezoo_cli.options import as_json, model, out


@click.command()
@model(behind="folder")
@click.argument("folder", required=False)
@out("FILE", "Where to.", default="x.npz")
@as_json("Print it.")
def told(run: Path, folder: str, out: Path, as_json: bool) -> None:
    click.echo((str(run), folder, str(out), as_json))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["a", "b"], ("a", "b", "x.npz", False)),
        (["--model", "a", "b"], ("a", "b", "x.npz", False)),
        (["b", "--model", "a", "-o", "y", "--json"], ("a", "b", "y", True)),
        (["a", "b", "--out", "y"], ("a", "b", "y", False)),
    ],
)
def test_a_model_is_the_argument_or_the_option(words, found):
    assert CliRunner().invoke(told, words).stdout == f"{found}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "no model is given"), (["a", "b", "--model", "c"], "RUN and --model: two models, a and c")],
)
def test_a_model_is_given_once(words, message):
    error = CliRunner().invoke(told, words).exception
    assert isinstance(error, FacezooError)
    assert error.message == message
