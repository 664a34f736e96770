"""Records with anything in their fields: each is usable, or refused with its owner and the field."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from facezoo import FacezooError, HeadConfig, HeadSpec
from facezoo.registry import LoadedHead, PluginEntry
from facezoo.registry.heads import loaded_head
from facezoo_cli.show_head import lines_of

ENTRY = PluginEntry("mine", "facezoo-mine", "1.0", "", value="fixture_record:spec")


class Config(HeadConfig):
    margin: float = Field(0.2, ge=0, lt=1)


def loaded(**changes: object) -> LoadedHead:
    values = {"name": "mine", "summary": "s", "config": Config, "factory": "m:C", "api_version": 1}
    module = ModuleType("fixture_record")
    module.spec = HeadSpec(**values | changes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "fixture_record", module)
        return loaded_head(ENTRY)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", 5, "calls itself 5"),
        ("summary", None, "has the summary None, not a text"),
        ("config", Config(), "as its config, not a pydantic model"),
        ("config", "Config", "as its config, not a pydantic model"),
        ("factory", 5, "has the factory 5"),
        ("factory", "os.system('x')", "has the factory"),
        ("api_version", "1", "was written for head protocol '1'"),
        ("revision", "two", "has the revision 'two', not a whole number"),
        ("revision", True, "has the revision True"),
        ("paper", ("Deng", 2019), "has the paper ('Deng', 2019), not a text"),
        ("tags", "angular margin", "has the tags 'angular margin', not a tuple of texts"),
        ("tags", (1,), "has the tags (1,)"),
        ("presets", 5, "has the presets 5, not a dict of names, each with a dict of settings"),
        ("presets", {"paper": 5}, "has the presets {'paper': 5}"),
        ("presets", {5: {}}, "has the presets {5: {}}"),
        ("presets", {"paper": {5: 1}}, "has the presets {'paper': {5: 1}}"),
        ("properties", "memory", "has the properties 'memory', not a set of texts"),
        ("expected_failures", {"gradient": None}, "has the expected_failures {'gradient': None}"),
        ("expected_failures", ["gradient"], "has the expected_failures ['gradient']"),
    ],
)
def test_a_field_of_another_type_is_named(field, value, words):
    with pytest.raises(FacezooError) as caught:
        loaded(**{field: value})
    assert caught.value.message.startswith("head 'mine' of facezoo-mine 1.0 ")
    assert words in caught.value.message


@pytest.mark.parametrize("tags", [(), [], ["a"], {"a", "b"}, frozenset(), ("a", "b")])
def test_any_collection_of_texts_will_do(tags):
    assert loaded(tags=tags, properties=tags).spec.tags == tags


@pytest.mark.parametrize("value", [float("inf"), "\ud800"])
def test_settings_that_no_file_can_hold_are_told_when_a_run_would_keep_them(value):
    head = loaded(config=create_model("C", __config__={"extra": "forbid"}, x=(type(value), value)))
    with pytest.raises(FacezooError, match="has settings that cannot be kept"):
        head.dump(head.configure({}))


def test_a_preset_nested_beyond_all_measure_is_shown_and_refused():
    deep: object = 0.5
    for _ in range(20_000):
        deep = [deep]
    head = loaded(presets={"deep": {"margin": deep}})
    assert any("deep: margin = " in line for line in lines_of(head))
    with pytest.raises(FacezooError, match=r"'mine' of facezoo-mine 1\.0|head\.margin"):
        head.configure({}, "deep")
    while isinstance(deep, list):  # taken apart by hand: Python's own way is recursive
        deep = deep.pop()


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=10)
    | st.binary(max_size=5)
    | st.sampled_from([HeadConfig, BaseModel, object(), Ellipsis, len, "mine", "m:C", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@pytest.mark.soak
@given(st.dictionaries(st.sampled_from([field.name for field in fields(HeadSpec)]), ANYTHING, max_size=3))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_record_is_shown_or_refused(changes):
    try:
        head = loaded(**changes)
    except FacezooError:
        return
    for line in lines_of(head):
        line.encode("utf-8")
        assert "\x1b" not in line
    for preset in (None, *head.spec.presets):
        try:
            config = head.configure({}, preset)
        except FacezooError:
            continue
        json.dumps(head.dump(config))


@pytest.mark.slow
@pytest.mark.soak
@given(st.dictionaries(st.sampled_from(["margin", "x", ""]), ANYTHING, max_size=3))
def test_any_settings_are_taken_or_refused(given_settings):
    try:
        config = loaded().configure(given_settings)
    except FacezooError as error:
        str(error)
    else:
        assert 0 <= config.margin < 1
