"""Installed heads: listing, naming, and the containment of plug-ins that are wrong in every way we know."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import distributions

import pytest

from facezoo import FacezooError
from facezoo.registry import PluginEntry, installed_heads, load_head
from support.fixtures import BROKEN, FUTURE, PLAIN, TWIN


def statuses(name: str) -> dict[str, str]:
    return {entry.dist: entry.status for entry in installed_heads() if entry.name == name}


def refusal(name: str) -> FacezooError:
    with pytest.raises(FacezooError) as caught:
        load_head(name)
    return caught.value


def test_a_head_is_listed_from_its_metadata_without_being_imported(with_installed):
    with_installed(PLAIN)
    entry = next(entry for entry in installed_heads() if entry.name == "plain")
    assert entry == PluginEntry("plain", "facezoo-plain", "1.0", "A plain head", value="fixture_plain:spec")
    assert "fixture_plain" not in sys.modules


def test_heads_are_sorted_and_json_has_the_promised_fields(with_installed):
    with_installed(PLAIN, BROKEN)
    names = [entry.name for entry in installed_heads()]
    assert names == sorted(names)
    assert list(installed_heads()[0].as_dict()) == ["name", "dist", "version", "summary", "status", "reason"]


def test_a_loaded_head_configures_itself_from_defaults_preset_and_settings(with_installed):
    with_installed(PLAIN)
    head = load_head("plain")
    assert head.configure({}).model_dump() == {"scale": 16.0, "margin": 0.2, "variant": "plain"}
    assert head.configure({"scale": 8}, preset="paper").model_dump() == {
        "scale": 8.0,
        "margin": 0.5,
        "variant": "plain",
    }
    assert head.configure({"margin": 0.1}, preset="paper").margin == 0.1


def test_a_loaded_head_makes_its_module(with_installed):
    with_installed(PLAIN)
    head = load_head("plain")
    module = head.make(head.configure({"margin": 0.3}), context=None)
    assert type(module).__module__ == "fixture_plain_head"
    assert module.config.margin == 0.3


def test_unknown_names_get_a_suggestion_and_never_an_installation_command(with_installed):
    with_installed(PLAIN)
    error = refusal("plane")
    assert error.message == "unknown head 'plane'; did you mean 'plain'?"
    assert error.hint.startswith(f"Installed for Python {platform.python_version()}, {sys.executable}: ")
    assert "plain" in error.hint
    for name in ("plane", "facezoo-plane:plain", "zzz", "nowhere:zzz", "../plain", "os:system"):
        assert "pip" not in str(refusal(name))


def test_two_distributions_with_one_name_are_an_error_that_names_both_and_the_way_out(with_installed):
    with_installed(PLAIN, TWIN)
    assert statuses("plain") == {"facezoo-plain": "duplicate", "facezoo.Twin": "duplicate"}
    error = refusal("plain")
    assert error.message == "head 'plain' is offered by facezoo-plain 1.0 and facezoo.Twin 2.5"
    assert "facezoo-plain:plain or facezoo.Twin:plain" in error.hint
    assert load_head("facezoo-plain:plain").entry.dist == "facezoo-plain"
    # names of distributions compare as the packaging rules say
    assert load_head("Facezoo_twin:plain").entry.dist == "facezoo.Twin"


def test_disabling_one_of_two_ends_the_ambiguity(with_installed, monkeypatch):
    with_installed(PLAIN, TWIN)
    monkeypatch.setenv("FACEZOO_DISABLE", " facezoo-twin:plain ,")
    assert statuses("plain") == {"facezoo-plain": "ok", "facezoo.Twin": "disabled"}
    assert load_head("plain").entry.dist == "facezoo-plain"


def test_a_disabled_head_is_not_imported_and_says_how_to_get_it_back(with_installed, monkeypatch):
    with_installed(BROKEN)
    monkeypatch.setenv("FACEZOO_DISABLE", "other,syntax")
    error = refusal("syntax")
    assert "switched off by FACEZOO_DISABLE=other,syntax" in error.message
    assert "fixture_syntax" not in sys.modules
    assert "switched off" in refusal("facezoo-broken:syntax").message


def test_an_incompatible_head_is_known_from_metadata_and_never_imported(with_installed):
    with_installed(FUTURE)
    assert statuses("plain") == {"facezoo-future": "incompatible"}
    error = refusal("plain")
    assert error.message.startswith(
        "head 'plain' of facezoo-future 1.0: requires facezoo >=9, and this is facezoo "
    )
    assert "fixture_future" not in sys.modules


def test_an_incompatible_namesake_does_not_make_a_name_ambiguous(with_installed):
    with_installed(FUTURE, PLAIN)
    assert statuses("plain") == {"facezoo-future": "incompatible", "facezoo-plain": "ok"}
    assert load_head("plain").entry.dist == "facezoo-plain"


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("absent", "cannot be imported: ModuleNotFoundError: No module named 'of_yore'"),
        ("exits", "cannot be imported: SystemExit: 3"),
        ("syntax", "cannot be imported: SyntaxError"),
        ("attribute", "cannot be imported: AttributeError"),
        ("nospec", "names a str (fixture_nospec:spec), not a HeadSpec"),
        ("renamed", "calls itself 'other'"),
        ("protocol", "was written for head protocol 99; this facezoo speaks 1"),
        ("loose", "Loose, which admits unknown settings"),
        ("reserved", "has a setting called 'preset'"),
    ],
)
def test_a_broken_head_gives_one_message_with_its_owner_and_the_interpreter(with_installed, name, trouble):
    with_installed(BROKEN)
    error = refusal(name)
    assert error.message.startswith(f"head {name!r} of facezoo-broken 1.0 ")
    assert trouble in error.message
    assert sys.executable in error.hint
    assert f"FACEZOO_DISABLE=facezoo-broken:{name}" in error.hint


def test_a_head_whose_class_cannot_be_imported_still_shows_its_settings(with_installed):
    with_installed(BROKEN)
    head = load_head("factory")
    config = head.configure({})
    with pytest.raises(FacezooError, match="cannot import fixture_nowhere:Head: Module"):
        head.make(config, context=None)


def test_what_a_factory_raises_is_told_with_its_owner(with_installed):
    with_installed(BROKEN)
    head = load_head("nohead")
    with pytest.raises(FacezooError, match=r"'nohead' of facezoo-broken 1\.0 cannot be built: TypeError"):
        head.make(head.configure({}), context=None)


def test_an_unknown_preset_names_the_nearest(with_installed):
    with_installed(PLAIN)
    with pytest.raises(FacezooError, match="has no preset 'papers'; did you mean 'paper'"):
        load_head("plain").configure({}, preset="papers")


def test_a_copy_further_down_the_path_is_no_duplicate(with_installed, installed, monkeypatch, tmp_path):
    copy = tmp_path / "copy"
    source = next(
        dist for dist in distributions(path=[str(installed(PLAIN))]) if dist.name == "facezoo-plain"
    )
    folder = copy / "facezoo_plain-0.9.dist-info"
    folder.mkdir(parents=True)
    for name in ("METADATA", "entry_points.txt"):
        (folder / name).write_text(
            source.read_text(name).replace("Version: 1.0", "Version: 0.9"), encoding="utf-8"
        )
    with_installed(PLAIN)
    monkeypatch.setattr(sys, "path", [*sys.path, str(copy)])
    assert [entry.version for entry in installed_heads() if entry.name == "plain"] == ["1.0"]


@pytest.mark.parametrize("damage", ["[facezoo.heads]\nno equals sign", "[facezoo.heads]\nname = "])
def test_damaged_metadata_of_a_stranger_hides_nobody_else(with_installed, monkeypatch, tmp_path, damage: str):
    with_installed(PLAIN)
    folder = tmp_path / "stranger-1.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text(damage, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "plain" in [entry.name for entry in installed_heads()]
