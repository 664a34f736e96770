"""Settings: layers and their precedence, origins, messages, and the way back from resolved.toml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.settings import resolve, to_toml
from facezoo.settings.layers import parse_set, toml_value
from facezoo.settings.run import EMBEDDED_RECIPE
from support.fixtures import PLAIN

HEAD = {"head.name": "plain"}


@pytest.fixture(autouse=True)
def _plain(with_installed: Callable[..., None]) -> None:
    with_installed(PLAIN)


def write(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(**arguments: object) -> str:
    with pytest.raises(FacezooError) as caught:
        resolve(**({"flags": HEAD} | arguments))
    return str(caught.value)


def test_defaults_alone():
    run = resolve(flags=HEAD)
    assert (run.head.spec.name, run.head_config.margin, run.preset) == ("plain", 0.2, None)
    assert (run.data.path, run.backbone.name, run.train.layout) == ("orl", "small", "streamed")
    assert all(
        run.origins[key] == "default"
        for key in ("head.margin", "head.preset", "train.batch_size", "data.path")
    )


def test_each_layer_beats_the_one_below_and_origins_say_so(tmp_path: Path):
    file = write(
        tmp_path, '[head]\nname = "plain"\nscale = 20.0\nmargin = 0.3\n[train]\nepochs = 7\nbatch_size = 32\n'
    )
    assert resolve(flags=HEAD, preset="paper").origins["head.margin"] == "preset paper"
    assert resolve(flags=HEAD, preset="paper").head_config.margin == 0.5
    run = resolve(file, "paper", {"data.path": "faces"}, ["train.epochs=9", "head.scale=24"])
    assert (run.head_config.margin, run.head_config.scale, run.train.epochs, run.train.batch_size) == (
        0.3,
        24,
        9,
        32,
    )
    origins = {
        key: run.origins[key]
        for key in ("head.name", "head.margin", "head.scale", "train.epochs", "data.path")
    }
    assert origins == {
        "head.name": "run.toml",
        "head.margin": "run.toml",
        "head.scale": "--set",
        "train.epochs": "--set",
        "data.path": "--data",
    }
    assert run.origins["head.preset"] == "--preset"


def test_every_value_has_an_origin():
    run = resolve(flags=HEAD | {"data.path": "faces"})
    keys = {
        f"{section}.{key}"
        for section in ("data", "backbone", "train", "optimizer", "evaluate")
        for key in getattr(run, section).model_dump()
    }
    assert {key for key in keys if run.origins[key] != "default"} == {"data.path"}


def test_a_preset_may_stand_in_the_file(tmp_path: Path):
    run = resolve(write(tmp_path, '[head]\nname = "plain"\npreset = "paper"\n'))
    assert (run.preset, run.head_config.margin, run.origins["head.preset"]) == ("paper", 0.5, "run.toml")


def test_settings_in_a_file_for_one_head_do_not_pass_to_another(tmp_path: Path):
    file = write(tmp_path, '[head]\nname = "other"\nscale = 20.0\n')
    message = "run.toml: [head] holds settings of 'other' (scale), not of 'plain'"
    assert refusal(toml_path=file).startswith(message)
    recipe = write(tmp_path, '[head]\nname = "other"\n[train]\nepochs = 3\n')
    assert resolve(recipe, flags=HEAD).head.spec.name == "plain"


def test_the_last_of_several_sets_wins():
    assert resolve(flags=HEAD, sets=["train.epochs=1", "train.epochs=2"]).train.epochs == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"sets": ["head.margn=0.1"]},
            "head.margn: unknown setting; did you mean 'margin'? (--set)\nSettings of [head]:",
        ),
        ({"sets": ["head.margin=1.5"]}, "head.margin: should be less than 1; it is 1.5 (--set)"),
        ({"sets": ["head.margin=nan"]}, "head.margin: should be a finite number; it is nan (--set)"),
        ({"sets": ["head.scale=big"]}, "head.scale: should be a valid number; it is 'big' (--set)"),
        ({"sets": ["train.epocs=1"]}, "train.epocs: unknown setting; did you mean 'epochs'? (--set)"),
        ({"sets": ["train.epochs=0"]}, "train.epochs: should be greater than or equal to 1; it is 0 ("),
        ({"sets": ["train.epochs=2.5"]}, "train.epochs: should be a valid integer; it is 2.5 (--set)"),
        ({"sets": ["train.seed=true"]}, "train.seed: should be a valid integer; it is True (--set)"),
        (
            {"sets": ["train.layout=streamd"]},
            "train.layout: should be 'streamed' or 'dense'; it is 'streamd' (--set); did you mean 'streamed'",
        ),
        (
            {"sets": ["trian.epochs=1"]},
            "--set trian.epochs=1: 'trian': unknown section; did you mean 'train'",
        ),
        ({"sets": ["epochs=1"]}, "--set epochs=1: 'epochs' names no section; did you mean 'train.epochs"),
        ({"sets": ["train.epochs"]}, "--set train.epochs: no value"),
        ({"sets": ["head.name=3"]}, "head.name: must be a string; it is 3 (--set)"),
        ({"preset": "pape"}, "head 'plain' of facezoo-plain 1.0 has no preset 'pape'; did you mean"),
        ({"flags": {"head.name": "plian"}}, "unknown head 'plian'; did you mean 'plain'?"),
        ({"flags": {}}, "head.name: must be set: which head is to be trained?\nSay --head"),
        (
            {"flags": HEAD | {"data.path": ""}},
            "data.path: string should have at least 1 character; it is '' (--data)",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_section_value_origin_and_neighbour(arguments, message):
    assert refusal(**arguments).startswith(message)


def test_several_mistakes_in_a_section_are_told_at_once():
    text = refusal(sets=["train.epocs=1", "train.batch_size=0"])
    assert "train.epocs" in text
    assert "train.batch_size" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[hed]\nname = 'plain'", "run.toml: [hed]: unknown section; did you mean 'head'?"),
        ("head = 'plain'", "run.toml: head must be a section, [head]; it is 'plain'"),
        (
            "[head]\nname = 'plain'\nmargn = 1",
            "head.margn: unknown setting; did you mean 'margin'? (run.toml)",
        ),
        ("[head\n", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, message: str):
    assert message in refusal(toml_path=write(tmp_path, text), flags={})


def test_a_missing_file_is_named(tmp_path: Path):
    assert "none.toml: cannot be read: No such file" in refusal(toml_path=tmp_path / "none.toml")


@pytest.mark.parametrize("key", ["factory", "config", "module", "import"])
def test_no_setting_names_an_import_path(key: str):
    assert "unknown setting" in refusal(sets=[f"head.{key}=os:system"])


def test_resolved_toml_repeats_the_run(tmp_path: Path):
    sets = [
        "head.margin=0.123456789012345",
        "train.seed=9",
        "head.variant='a \"b\" # \\\\ c'",
        "data.path='ü/[x]'",
    ]
    first = resolve(flags=HEAD, preset="paper", sets=sets)
    again = resolve(write(tmp_path, to_toml(first)))
    assert again.head_config == first.head_config
    assert again.preset == "paper"
    for section in ("data", "backbone", "train", "optimizer", "evaluate"):
        assert getattr(again, section) == getattr(first, section)
    assert to_toml(again) == to_toml(first)


def test_the_listing_with_origins_is_a_run_file_too(tmp_path: Path):
    text = to_toml(resolve(flags=HEAD, sets=["train.epochs=3"]), origins=True)
    assert "epochs = 3                    # --set\n" in text
    assert resolve(write(tmp_path, text)).train.epochs == 3


def test_resolved_toml_says_what_made_it():
    assert to_toml(resolve(flags=HEAD)).splitlines()[0].endswith("plain of facezoo-plain 1.0, revision 1")


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("1", 1),
        ("1e-3", 1e-3),
        ("true", True),
        ('"true"', "true"),
        ("[1, 2]", [1, 2]),
        ("bare word", "bare word"),
        ("a=b", "a=b"),
        ("", ""),
        ("1\nother = 2", "1\nother = 2"),
        ("C:\\faces", "C:\\faces"),
    ],
)
def test_values_are_toml_literals_and_bare_words_are_strings(literal: str, value: object):
    assert toml_value(literal) == value


@given(st.text())
def test_any_text_is_a_value(text: str):
    section, key, value = parse_set(f"head.margin={text}")
    assert (section, key) == ("head", "margin")
    assert value is not None


def test_the_embedded_data_takes_the_preset_small_unless_another_is_named() -> None:
    embedded = resolve(flags={"head.name": "cosface"})
    assert embedded.preset == "small"
    assert embedded.origins["head.preset"] == "data.path orl"
    assert embedded.origins["head.scale"] == "preset small"
    assert resolve(flags={"head.name": "cosface"}, preset="paper").preset == "paper"
    assert resolve(flags={"head.name": "cosface", "data.path": "faces"}).preset is None


def test_the_embedded_data_has_a_recipe_that_gives_way_to_what_was_said():
    embedded, folder = resolve(flags=HEAD), resolve(flags=HEAD | {"data.path": "faces"})
    for section, values in EMBEDDED_RECIPE.items():
        for key, value in values.items():
            assert getattr(getattr(embedded, section), key) == value != getattr(getattr(folder, section), key)
            assert embedded.origins[f"{section}.{key}"] == "data.path orl"
            assert folder.origins[f"{section}.{key}"] == "default"
    said = resolve(flags=HEAD, sets=["train.epochs=2"])
    assert (said.train.epochs, said.origins["train.epochs"]) == (2, "--set")
    assert said.optimizer == embedded.optimizer
