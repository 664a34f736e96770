"""Sources of images that are no folders: found by name or claim, and used as a folder is in every door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from facezoo import FacezooError
from facezoo.benchmarks import evaluate_network
from facezoo.benchmarks.opening import open_own_benchmark
from facezoo.data import Augmentation, Images, LeftOut, UnreadableImageError, open_store
from facezoo.data.batches import Batches
from facezoo.data.fingerprint import content_of, fingerprint_of, same_data
from facezoo.data.images import Chosen, Joined, without
from facezoo.data.opening import find_source, open_all, open_faces, own_pairs
from facezoo.data.sources import find_training
from facezoo.registry import sources
from facezoo.registry.sources import default_source, split_name
from facezoo.runs.network import open_network
from facezoo.runs.places import latest_checkpoint
from facezoo.runs.verified import read_metadata
from facezoo.settings import resolve
from facezoo.training import resume, train
from facezoo.training.inputs import check_inputs
from facezoo_cli.main import cli
from support.distributions import Distribution
from support.fixtures import PLAIN
from support.pictures import Piped, Rendered, source
from support.tiny_backbone import install_tiny


def expected(images: Images, size: int = 16) -> np.ndarray:
    """The pixels of all images, without any of facezoo's machinery."""
    pictures = [Image.fromarray(Rendered.read(images, image)) for image in range(len(images))]
    return np.stack(
        [np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)) for picture in pictures]
    )


@pytest.mark.parametrize("kind", [Rendered, Piped])
@pytest.mark.parametrize("cached", [False, True])
def test_a_store_and_a_cache_hold_what_any_source_gives(tmp_path: Path, kind: type[Images], cached: bool):
    cache = str(tmp_path / "cache") if cached else "none"
    for _ in range(2):
        images = kind()
        store = open_store(images, 16, 2**20, cache=cache)
        assert np.array_equal(store.fetch(np.arange(12)), expected(images))
    assert getattr(images, "passes", 1) == (0 if cached and kind is Piped else 1)
    if cached:
        images.version = "2"
        open_store(images, 16, 2**20, cache=cache)
        assert len(list((tmp_path / "cache").iterdir())) == 2


def test_what_is_rendered_may_be_so_whenever_it_is_asked_for():
    store = open_store(Rendered(), 16, 0)
    some = np.array([7, 0, 11])
    assert np.array_equal(store.fetch(some), expected(store.images)[some])


def test_a_stream_that_does_not_fit_into_memory_says_what_would():
    with pytest.raises(FacezooError, match="piped: is read in order alone") as error:
        open_store(Piped(), 16, 0)
    assert "data.memory_mib" in error.value.hint


def test_a_stream_is_read_once_for_its_fingerprint_and_one_in_so_many_of_it():
    images = Piped()
    whole, some = content_of(images), content_of(images, 5)
    assert (images.passes, some.read) == (2, 2)
    images.damaged = frozenset([7])  # 2 and 7 are read
    assert content_of(images, 5) != some
    images.damaged = frozenset([6])
    assert content_of(images, 5) == some != whole
    assert fingerprint_of(images) == fingerprint_of(Rendered())
    images.version = "2"
    assert fingerprint_of(images) != fingerprint_of(Rendered())


@pytest.mark.parametrize("kind", [Rendered, Piped])
def test_some_images_are_a_source_too(kind: type[Images]):
    images = kind()
    some = Chosen(images, np.array([1, 8, 9]))
    assert (some.names, tuple(some.identities)) == (("blue/1", "red/0", "red/1"), ("blue", "red"))
    assert some.labels.tolist() == [0, 1, 1]
    assert np.array_equal(open_store(some, 16, 2**20).fetch(np.arange(3)), expected(images)[[1, 8, 9]])
    assert some.printable(1) == f"{images.place}/red/0"
    left = without(images, dict.fromkeys(range(5), "torn"))
    assert (len(left), tuple(left.identities)) == (7, ("green", "red"))
    assert left.left_out[-2:] == (
        LeftOut("green/0", "torn"),
        LeftOut("blue", "no image of this identity can be read"),
    )


def test_images_of_one_place_are_read_once():
    images = Rendered()
    joined = Joined([Chosen(images, np.array([0, 4])), Chosen(images, np.array([4, 11]))])
    assert joined.names == ("blue/0", "green/0", "red/3")
    assert np.array_equal(open_store(joined, 16, 2**20).fetch(np.arange(3)), expected(images)[[0, 4, 11]])
    assert (joined.state(2), joined.lasting_state(2), joined.printable(2)) == ("1", "1", "rendered/red/3")


def test_a_source_may_vary_its_pictures_from_epoch_to_epoch():
    class Varied(Rendered):
        def vary(self, pixels: np.ndarray, images: np.ndarray, seed: int, epoch: int) -> np.ndarray:
            pixels[:] = (100 * seed + 10 * epoch + images)[:, None, None, None]
            return pixels

    batches = Batches(open_store(Chosen(Varied(), np.array([2, 3, 5])), 16, 2**20), 3, 1, Augmentation())
    batch = batches.load(np.array([2, 0]), 4)
    assert batch.pixels[:, 0, 0, 0].tolist() == [145, 142]


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (np.zeros((4, 4), np.uint8), r"rendered/blue/0: its source gave uint8 \[4, 4\], neither bytes nor"),
        (np.zeros((4, 4, 3)), r"its source gave float64 \[4, 4, 3\]"),
        (None, "its source gave NoneType"),
        (KeyError("font"), "rendered/blue/0: its source fails: KeyError: 'font'"),
        (OSError(5, "Input/output error"), r"cannot be read \(Input/output error\)"),
    ],
)
def test_a_source_that_gives_something_else_is_told_so(gives: object, message: str):
    class Wrong(Rendered):
        def read(self, image: int) -> object:
            if isinstance(gives, Exception):
                raise gives
            return gives

    with pytest.raises(FacezooError, match=message):
        open_store(Wrong(), 16, 0).fetch(np.arange(3))


def test_a_stream_that_ends_early_is_told_so():
    class Short(Piped):
        def in_order(self) -> Iterator[bytes | UnreadableImageError]:
            yield from list(super().in_order())[:9]

    with pytest.raises(FacezooError, match="piped/red/1: is not there: what is read in order ends before it"):
        open_store(Short(), 16, 2**20)


@pytest.fixture
def rendered(with_installed: Callable[..., None]) -> None:
    with_installed(PLAIN, source("facezoo-rendered", "claims=lambda path: path.endswith('.pictures'),"))


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize(
    "text", ["rendered", "rendered:anything", "facezoo-rendered:rendered", "my.pictures"]
)
def test_a_source_is_found_by_its_name_or_by_what_it_claims(text: str):
    assert find_source(text).entry.qualified == "facezoo-rendered:rendered"
    assert open_faces(text).names == open_all(text).names == Rendered.names
    assert own_pairs(text) is None


@pytest.mark.usefixtures("rendered")
def test_rest_and_path_are_what_a_source_is_opened_with():
    rests = {text: find_source(text).rest for text in ("rendered", "rendered:a:b", "x/my.pictures")}
    assert list(rests.values()) == ["", "a:b", "x/my.pictures"]
    with pytest.raises(
        FacezooError, match=r"data source 'rendered' of facezoo-rendered 1.0 cannot open broken: Key"
    ):
        open_faces("rendered:broken")


@pytest.mark.usefixtures("rendered")
def test_what_no_source_reads_is_said_with_what_is_near(tmp_path: Path):
    with pytest.raises(FacezooError, match=r"nowhere: does not exist; it was looked for from") as error:
        find_source("nowhere")
    assert error.value.hint.startswith(
        "Give a folder of identity folders, or one of the installed sources: fo"
    )
    with pytest.raises(FacezooError, match="did you mean 'rendered'"):
        find_source("renderd")
    with pytest.raises(FacezooError, match="is a file that no source reads"):
        find_source(__file__)


def test_a_path_that_two_sources_claim_is_an_error_and_facezoos_own_gives_way(with_installed, tmp_path: Path):
    claims = "claims=lambda path: path.endswith('.pictures'),"
    with_installed(source("facezoo-rendered", claims))
    path = tmp_path / "my.pictures"
    path.mkdir()
    assert find_source(str(path)).entry.name == "rendered"
    assert find_source(f"folder:{path}").entry.name == "folder"
    with_installed(source("facezoo-rendered", claims), source("facezoo-other", claims, name="other"))
    both = r"my\.pictures: facezoo-other:other and facezoo-rendered:rendered say that it is theirs"
    with pytest.raises(FacezooError, match=both) as error:
        find_source(str(path))
    assert error.value.hint == f"Say which reads it: other:{path} or rendered:{path}."


@pytest.mark.usefixtures("rendered")
def test_settings_take_a_sources_recipe_and_keep_what_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    run = resolve(flags={"head.name": "plain", "data.path": "rendered:anything"})
    assert (run.data.path, run.train.epochs, run.data.crop, run.preset) == (
        "rendered:anything",
        3,
        0.5,
        "paper",
    )
    assert run.origins["train.epochs"] == run.origins["head.preset"] == "data.path rendered"
    claimed = resolve(flags={"head.name": "plain", "data.path": "a.pictures"}, sets=["train.epochs=2"])
    assert (claimed.data.path, claimed.train.epochs, claimed.preset) == (f"{tmp_path}/a.pictures", 2, "paper")
    named = resolve(flags={"head.name": "plain", "data.path": "rendered:a.pictures"})
    assert named.data.path == f"rendered:{tmp_path}/a.pictures", "a path is found again from elsewhere"


def test_a_source_may_say_that_it_is_the_default(with_installed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FACEZOO_DISABLE", "orl")
    with_installed(PLAIN)
    with pytest.raises(FacezooError, match="give a folder with --data, or install facezoo-orl"):
        resolve(flags={"head.name": "plain"})
    with_installed(PLAIN, source("facezoo-first", "default=True,"))
    run = resolve(flags={"head.name": "plain"})
    assert (run.data.path, run.origins["data.path"], run.train.epochs) == ("rendered", "default", 3)
    monkeypatch.delenv("FACEZOO_DISABLE")
    with pytest.raises(FacezooError, match=r"data.path: facezoo.*:orl and facezoo-first:rendered both say"):
        default_source()


def test_sources_that_are_broken_take_nothing_from_the_others(with_installed, tmp_path: Path):
    with_installed(
        Distribution(
            "facezoo-bad", {"fixture_bad": "import of_yore"}, {"facezoo.data": {"bad": "fixture_bad:x"}}
        ),
        source("facezoo-odd", "claims=lambda path: path.nothing,"),
    )
    (tmp_path / "a").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "a" / "1.png")
    with pytest.warns(RuntimeWarning) as warned:
        assert len(open_faces(str(tmp_path))) == 1
    texts = " ".join(str(one.message) for one in warned)
    assert "data source 'bad' of facezoo-bad 1.0 cannot be imported" in texts
    assert "data source 'rendered' of facezoo-odd 1.0 cannot say whether it reads" in texts
    with pytest.raises(FacezooError, match="cannot be imported"):
        open_faces("bad:anything")


@pytest.mark.parametrize(
    ("fields", "trouble"),
    [
        ("summary=3,", "has the summary 3, not a text"),
        ("pairs='nowhere',", "has the pairs 'nowhere', not 'package.module:function'"),
        ("claims=True,", "has the claims True, not a function of a path"),
        ("default='yes',", "has the default 'yes', not true or false"),
    ],
)
def test_a_record_with_a_wrong_field_is_told_by_it(with_installed, fields: str, trouble: str):
    name = f"facezoo-{fields.partition('=')[0]}"
    with_installed(source(name, fields))
    with pytest.raises(FacezooError, match=re.escape(f"data source 'rendered' of {name} 1.0 {trouble}")):
        find_source("rendered")


def test_a_recipe_for_what_is_no_section_is_told_of(with_installed):
    with_installed(PLAIN, source("facezoo-dated", "recipe={'date': {}},", name="odd"))
    with pytest.raises(FacezooError, match=r"of facezoo-dated 1\.0 has a recipe for 'date', which is no"):
        resolve(flags={"head.name": "plain", "data.path": "odd"})


@pytest.mark.usefixtures("rendered")
def test_a_stream_that_fits_is_found_without_reading_it_when_inputs_are_looked_at():
    images, contract = find_training("rendered:pipe", 16, "crop")
    assert (len(images), contract.size, contract.fit, contract.alignment) == (12, 16, "crop", "as stored")
    check_inputs(resolve(flags={"head.name": "plain", "data.path": "rendered:pipe"}))


def test_a_name_of_old_says_what_brings_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "installed_plugins", lambda group: [])
    assert split_name("orl") == ("orl", "")
    assert split_name("./orl") is None
    with pytest.raises(FacezooError, match="'orl' comes with facezoo-orl, which is not installed") as error:
        find_source("orl")
    assert "pip install facezoo-orl" in error.value.hint


@pytest.mark.parametrize("rest", ["", ":pipe"])
def test_any_source_is_trained_on_verified_with_its_pairs_and_gone_on_with(
    rest: str, with_installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    install_tiny(monkeypatch, tmp_path / "site")
    with_installed(PLAIN, source("facezoo-paired", "pairs='fixture_facezoo_paired:paired',"))
    sets = [
        "evaluate.folds=3",
        "data.size=16",
        "backbone.name=tiny",
        "backbone.dim=4",
        "train.epochs=2",
        "train.batch_size=6",
    ]
    settings = resolve(flags={"head.name": "plain", "data.path": f"rendered{rest}"}, sets=sets)
    figures = train(settings, tmp_path / "run")
    asked = (
        "evaluate",
        str(tmp_path / "run"),
        "--data",
        f"rendered{rest}",
        "--benchmark",
        "all-pairs",
        "--json",
    )
    shown = CliRunner().invoke(cli, asked)
    assert shown.exit_code == 0, shown.output
    assert '"genuine": 18' in shown.stdout
    network = open_network(tmp_path / "run")
    twice = evaluate_network(network, [open_own_benchmark(network), open_own_benchmark(network)])
    assert twice[0].figures == twice[1].figures
    assert figures["pairs"] == "all pairs of pictures"
    assert (figures["verification"]["genuine"], figures["verification"]["impostor"]) == (18, 48)
    saved = read_metadata(latest_checkpoint(tmp_path / "run"))["data"]
    assert (saved["images"], saved["identities"], saved["left_out"]) == (12, 3, 0)
    assert same_data(Piped() if rest else Rendered(), saved)
    resume(tmp_path / "run")
