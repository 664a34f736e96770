"""Settings: layers and their precedence, origins, messages, and the way back from resolved.toml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.settings import resolve, to_toml
from facezoo.settings.layers import parse_set, toml_value
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
        "data.path='/ü/[x]'",
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


def test_paths_in_a_file_start_from_it_and_those_of_options_from_the_working_directory(tmp_path, monkeypatch):
    text = """[data]
    path = "faces"
    cache = "auto"
    [train]
    init_from = "./none"
    [evaluate]
    pairs = "~/pairs.csv"
    images = "../images"
    """
    (tmp_path / "recipes").mkdir()
    file = write(tmp_path / "recipes", text)
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.chdir(tmp_path)
    for path in (file, file.relative_to(tmp_path)):
        run = resolve(path, flags=HEAD)
        assert run.data.path == str(tmp_path / "recipes" / "faces")
        assert run.data.cache == "auto"
        assert run.train.init_from == str(tmp_path / "recipes" / "none")
        assert run.evaluate.pairs == "/home/ann/pairs.csv"
        assert run.evaluate.images == str((tmp_path / "images").resolve())
    said = resolve(
        file, flags=HEAD | {"data.path": "./orl"}, sets=["data.cache=~/cache", "evaluate.pairs=orl"]
    )
    assert said.data.path == str(tmp_path / "orl")
    assert (said.data.cache, said.evaluate.pairs) == ("/home/ann/cache", "orl")


def test_a_resolved_run_is_found_from_elsewhere_and_one_from_before_from_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = to_toml(resolve(flags=HEAD | {"data.path": "faces"}))
    (tmp_path / "run").mkdir()
    monkeypatch.chdir("/")
    assert resolve(write(tmp_path / "run", text)).data.path == str(tmp_path / "faces")
    edited = text.replace(f'"{tmp_path}/faces"', '"faces"').replace("\n", "\r\n")
    assert resolve(write(tmp_path / "run", edited)).data.path == str(tmp_path / "run" / "faces")
    first, _, rest = edited.split("\r\n", 2)
    monkeypatch.chdir(tmp_path)
    assert resolve(write(tmp_path / "run", f"{first}\n{rest}")).data.path == str(tmp_path / "faces")


def test_a_path_that_no_file_can_keep_is_refused():
    found = refusal(flags=HEAD | {"data.path": "Jos\udce9"})
    assert found.startswith("data.path: 'Jos\\udce9' is not UTF-8 text")
    assert "ln -s" in found


def test_dots_behind_a_link_lead_where_the_system_goes(tmp_path: Path):
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    run = resolve(write(tmp_path, '[data]\npath = "link/../faces"\n'), flags=HEAD)
    assert run.data.path == str(tmp_path.resolve() / "far" / "faces")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (r'[data]\npath = "C:\faces"', r"data.path: 'C:\x0caces' holds control characters (run.toml)"),
        (r'[data]\npath = "C:\Users"', "not valid TOML"),
        ('[data]\npath = "' + "x" * 300 + '"', "xxx'... is longer than a path can be (run.toml)"),
        ('[evaluate]\npairs = "' + "x/" * 3000 + '"', "x/x/'... is longer than a path can be (run.toml)"),
        ("[train]\nepochs = " + "9" * 5000, "not valid TOML: Exceeds the limit"),
        ("[train]\nepochs = 0x" + "f" * 5000, "train.epochs: "),
        ("[head]\nmargin = " + "[" * 5000 + "]" * 5000, "not valid TOML: nested too deeply"),
        ("[data]\npath = 2026-01-01", "data.path: should be a valid string"),
        ("[data]\npath = {a = 1}", "data.path: should be a valid string; it is {'a': 1}"),
        ("data = [[1]]", "data must be a section, [data]"),
        ("\0", "not valid TOML"),
    ],
)
def test_hostile_files_are_refused_in_a_sentence(tmp_path: Path, text: str, message: str):
    found = refusal(toml_path=write(tmp_path, text.replace(r"\n", "\n")))
    assert message in found
    assert len(found) < 600


def test_files_that_are_no_text_are_refused(tmp_path: Path):
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe[\0")
    assert "a.toml: not UTF-8 text" in refusal(toml_path=tmp_path / "a.toml")
    (tmp_path / "b.toml").write_bytes(b"#" * (2**20 + 1))
    assert "b.toml: larger than the 1,048,576 bytes" in refusal(toml_path=tmp_path / "b.toml")
    assert "cannot be read" in refusal(toml_path=tmp_path)
    (tmp_path / "c.toml").write_bytes("\ufeff[train]\nepochs = 3\n".encode())
    assert resolve(tmp_path / "c.toml", flags=HEAD).train.epochs == 3


@pytest.mark.parametrize(
    "said",
    [
        "train.threads=1000000",
        "optimizer.warmup_epochs=1e308",
        "train.epochs=1" + "0" * 30,
        "train.keep=1e9",
        "evaluate.every_steps=10000000000",
        "data.memory_mib=99999999999",
        "train.epochs=" + "9" * 5000,
    ],
)
def test_values_out_of_all_bounds_are_refused(said: str):
    setting = said.partition("=")[0]
    assert refusal(sets=[said]).startswith(f"{setting}: should be")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KEYS = st.sampled_from(["head", "data", "train", "optimizer", "evaluate", "backbone", "nosuch"])
NAMES = st.sampled_from(
    ["name", "margin", "path", "epochs", "lr", "pairs", "cache", "init_from", "fit", "x.y", ""]
)


def to_document(content: object) -> str:
    try:
        return tomli_w.dumps(content)
    except (TypeError, ValueError):  # what TOML has no word for
        return repr(content)


@pytest.mark.slow
@pytest.mark.soak
@given(
    st.dictionaries(KEYS, VALUES | st.dictionaries(NAMES, VALUES, max_size=3), max_size=3).map(to_document)
)
def test_any_settings_are_a_run_or_an_error(tmp_path_factory, text: str):
    any_file(tmp_path_factory.mktemp("run"), text.encode("utf-8", "surrogatepass"))


@pytest.mark.slow
@pytest.mark.soak
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_run_or_an_error(tmp_path_factory, content: bytes):
    any_file(tmp_path_factory.mktemp("run"), content)


def any_file(folder: Path, content: bytes) -> None:
    path = folder / "run.toml"
    path.write_bytes(content)
    try:
        run = resolve(path, flags=HEAD)
    except FacezooError as error:
        found = str(error)
        assert len(found) < 3000
    else:
        path.write_text(to_toml(run), encoding="utf-8")
        assert to_toml(resolve(path)) == to_toml(run)
