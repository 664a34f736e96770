"""The checks of data sources: sound ones pass, and each broken one fails its check."""

from __future__ import annotations

from pathlib import Path

import pytest

from facezoo import FacezooError
from facezoo.registry.entries import DATA
from facezoo_conformance import checks
from facezoo_conformance.data import RULES
from support.distributions import Distribution
from support.faces import identity_folder

BROKEN = [name for name in RULES if name not in ("requirement", "light_record")]
OTHERS = ["plain", "encoded", "stream", "rooted", "short", "unused", "stateless", "text", "ending", "wide"]
NAMES = [*OTHERS, *BROKEN]
RECORDS = "\n".join(
    [
        "from facezoo.data import SourceSpec",
        *(
            f"{name} = SourceSpec(name={name!r}, summary='', open='fixture_images:open_{name}')"
            for name in NAMES
        ),
        "crash = SourceSpec(name='crash', summary='', open='fixture_images:crash')",
    ]
)
DIST = Distribution(
    "facezoo-broken-sources",
    {
        "fixture_sources": RECORDS,
        "fixture_images": Path(__file__).with_name("broken_sources.py").read_text(encoding="utf-8"),
        "fixture_heavy": "import numpy\nfrom fixture_sources import SourceSpec\n"
        "heavy = SourceSpec(name='heavy', summary='', open='fixture_images:open_plain')",
    },
    {
        DATA: {name: f"fixture_sources:{name}" for name in (*NAMES, "crash")}
        | {"heavy": "fixture_heavy:heavy"}
    },
)
ALSO = {"function": ["in_order", "own_memory"], "short": [], "pictures": ["one_size"]}


@pytest.fixture(autouse=True)
def there(with_installed):
    with_installed(DIST)


def failed(name: str, only: str = "") -> dict[str, str]:
    """What one check finds, or all but that of a fresh interpreter, which takes its time."""
    chosen = [check for check in checks("data", name) if check.name == only or not only]
    chosen = [check for check in chosen if check.name != "light_record"]
    results = {check.name: check.result() for check in chosen}
    return {check: result.message for check, result in results.items() if result.outcome != "passed"}


@pytest.mark.parametrize("name", ["plain", "encoded", "stream"])
def test_a_sound_source_passes(name: str):
    assert failed(name) == {}


def test_so_does_a_folder(tmp_path: Path):
    assert failed(str(identity_folder(tmp_path / "faces"))) == {}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_source_fails_its_check_and_no_other(name: str):
    assert failed(name).keys() - ALSO.get(name, []) == {name}


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("opens", "opens", "its place is ''"),
        ("names", "names", "1 names stand for two images, such as ['Ann/0.png']"),
        ("rooted", "names", "12 names are no relative paths, such as ['/Ann/0.png']"),
        ("labels", "labels", "labels from 1 to 3, and 3 identities"),
        ("short", "labels", "labels are int32, not int64"),
        ("unused", "labels", "1 identities have no image, such as ['Dan']"),
        ("order", "order", "the names are others, or in another order"),
        ("states", "states", "plain/Ann/0.png: state is '1' and then "),
        ("stateless", "states", "plain/Ann/0.png: state gives a int, not a text"),
        ("pictures", "pictures", "plain/Ann/0.png: read gives uint8 [6, 8], not uint8 [H, W, 3]"),
        ("text", "pictures", "plain/Ann/0.png: read gives b'no image', which is no image"),
        ("one_size", "one_size", "pictures of 2 sizes: 8 x 6 (plain/Ann/0.png), 8 x 4 (plain/Bob/1.png)"),
        ("function", "function", "plain/Ann/0.png: another picture when read again"),
        ("own_memory", "own_memory", "plain/Ann/0.png: changed by its reader"),
        ("in_order", "in_order", "plain/Ann/0.png: another picture in order"),
        ("ending", "in_order", "it ends after 3 of 12 pictures"),
        ("varied", "varied", "a picture depends on those beside it"),
        ("wide", "varied", "float32 [4, 8, 8, 3], not uint8 [4, 8, 8, 3]"),
        ("crash", "opens", "data source 'crash' of facezoo-broken-sources 1.0 cannot open its images: "),
    ],
)
def test_a_failure_says_what(name: str, check: str, said: str):
    assert failed(name, check)[check].startswith(said)


def test_a_record_with_numpy_is_found(invoke):
    result = invoke("check", "data", "heavy", "-k", "light_record")
    assert result.exit_code == 1
    assert "importing fixture_heavy:heavy imports numpy: keep what needs it" in result.stdout


def test_what_no_source_reads_is_an_error(tmp_path: Path):
    with pytest.raises(FacezooError, match="does not exist"):
        checks("data", str(tmp_path / "nowhere"))
