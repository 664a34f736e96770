"""Whatever a checkpoint's files hold, the answer is the checkpoint or one FacezooError."""

from __future__ import annotations

import copy
import json
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.disk.sealed import SEAL, write_sealed
from facezoo.runs.network import Network, open_network
from facezoo.settings import resolve
from facezoo.training import Trainer, best_checkpoint, read_metadata
from facezoo.training.initial import start_from
from facezoo.training.state import restore
from facezoo_cli.main import cli
from support.checkpoints import as_of_an_earlier_facezoo
from support.faces import exact_faces
from support.tiny_backbone import install_tiny

pytestmark = [
    pytest.mark.slow,
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore:.*of an earlier facezoo"),
]
OLD = Path(__file__).parents[1] / "fixtures" / "old_run" / "run"

NUMBERS = st.one_of(
    st.integers(), st.sampled_from([0, -1, 2**31, 2**63, 10**400, 10**4000]), st.floats(allow_nan=True)
)
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(["\ud800", "\x1b[2J", "../..", "None", "0" * 5000]))
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
DEEP = st.integers(2, 900).map(lambda depth: json.loads("[" * depth + "]" * depth))
VALUES = st.one_of(
    LEAVES, st.lists(LEAVES, max_size=4), st.dictionaries(TEXTS, LEAVES, max_size=3), st.just({}), DEEP
)
GONE = object()


class Doors:
    """A run with one checkpoint, and everything that reads it."""

    def __init__(self, home: Path) -> None:
        faces = exact_faces(home / "faces")
        sets = [f"data.path={faces}", "evaluate.pairs=none"]
        self.run = Path(shutil.copytree(OLD, home / "run"))
        self.trainer = Trainer(resolve(OLD / "resolved.toml", sets=sets), self.run, fresh=False)
        self.trainer.restore(self.run / "checkpoints" / "step-8")
        self.checkpoint = self.trainer.saver.save()
        (self.run / "evaluation.json").write_text(
            '{"step": 8, "pairs": "a", "verification": {"accuracy": 1}}'
        )
        self.tuned = resolve(OLD / "resolved.toml", sets=[*sets, f"train.init_from={self.run}"])

    def load(self) -> None:
        """Read the checkpoint for every purpose; only FacezooError may come out."""
        trainer, parts = self.trainer, self.trainer.parts
        doors: list[Callable[[], object]] = [
            lambda: use(open_network(self.checkpoint, "cpu")),
            lambda: restore(parts, trainer.settings, trainer.saver.about, self.checkpoint),
            lambda: start_from(parts, self.tuned, trainer.saver.about),
        ]
        for door in doors:
            with suppress(FacezooError):
                door()

    def show(self) -> None:
        """Describe the run, which says what is wrong, and never as a terminal would obey it."""
        with suppress(FacezooError):
            best_checkpoint(self.run)
        for options in ([], ["--json"]):
            shown = CliRunner().invoke(cli, ["show-checkpoint", str(self.run), *options])
            assert shown.exit_code in {0, 2}, shown.exception
            assert "\x1b[2J" not in shown.output


def use(network: Network) -> object:
    """What an evaluation asks of a network."""
    return network.learned_threshold, network.loss


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    home = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as patch:
        install_tiny(patch, home / "site")
        yield Doors(home)


@pytest.fixture(scope="module")
def earlier(doors: Doors) -> Iterator[Doors]:
    """The same, without digests."""
    path = doors.checkpoint / "checkpoint.json"
    before = path.read_text()
    as_of_an_earlier_facezoo(doors.checkpoint)
    yield doors
    path.write_text(before)


def places(content: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in nested JSON."""
    found = [here] if here else []
    inside = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for key, value in inside:
        found += places(value, (*here, key))
    return found


def changed(content: Any, place: tuple[Any, ...], value: object) -> Any:
    content = copy.deepcopy(content)
    *above, last = place
    inside = content
    for key in above:
        inside = inside[key]
    if value is GONE:
        del inside[last]
    else:
        inside[last] = value
    return content


@contextmanager
def as_it_was(path: Path) -> Iterator[bytes]:
    """Put the file back after the block, which is given its content."""
    before = path.read_bytes()
    try:
        yield before
    finally:
        path.write_bytes(before)


@given(data=st.data(), value=st.one_of(st.just(GONE), VALUES), sealed=st.booleans())
def test_what_a_checkpoint_says_of_itself(doors: Doors, data: st.DataObject, value: object, sealed: bool):
    path = doors.checkpoint / "checkpoint.json"
    with as_it_was(path) as before:
        about = json.loads(before)
        del about[SEAL]
        if not sealed:
            del about["files"]
        about = changed(about, data.draw(st.sampled_from(places(about))), value)
        write_sealed(path, about) if sealed else path.write_text(json.dumps(about))
        doors.load()
        doors.show()


@pytest.mark.parametrize("value", [GONE, None, -1])
def test_every_value_missing_null_or_of_another_type(doors: Doors, value: object):
    path = doors.checkpoint / "checkpoint.json"
    with as_it_was(path) as before:
        about = json.loads(before)
        del about[SEAL]
        for place in places(about):
            write_sealed(path, changed(about, place, value))
            doors.load()
            doors.show()


RECORDS = st.sampled_from(["checkpoint.json", "../best.json", "../../evaluation.json"])


@given(
    name=RECORDS,
    text=st.one_of(VALUES.map(json.dumps), st.text(), st.sampled_from(["[" * 10**5, "9" * 5000])),
)
def test_json_of_any_kind(doors: Doors, name: str, text: str):
    path = doors.checkpoint / name
    with as_it_was(path):
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        doors.show()


@given(name=RECORDS, data=st.data(), value=st.one_of(st.just(GONE), VALUES))
def test_what_a_run_says_of_its_best_and_of_its_end(doors: Doors, name: str, data, value: object):
    path = doors.checkpoint / name
    with as_it_was(path) as before:
        content = json.loads(before)
        content = changed(content, data.draw(st.sampled_from(places(content))), value)
        path.write_text(json.dumps(content))
        doors.show()


PARTS = st.sampled_from(["model", "head", "optimizer"])
DTYPES = st.sampled_from(["F64", "I32", "BF16", "F8_E5M2", "C64", "BOOL"])


@given(part=PARTS, data=st.data(), value=st.one_of(st.just(GONE), VALUES, DTYPES))
def test_headers_of_tensors(earlier: Doors, part: str, data: st.DataObject, value: object):
    path = earlier.checkpoint / f"{part}.safetensors"
    with as_it_was(path) as before:
        (length,) = struct.unpack("<Q", before[:8])
        header = json.loads(before[8 : 8 + length])
        header = json.dumps(changed(header, data.draw(st.sampled_from(places(header))), value)).encode()
        path.write_bytes(struct.pack("<Q", len(header)) + header + before[8 + length :])
        earlier.load()


@given(part=PARTS, where=st.integers(0, 9999), bits=st.integers(1, 255), cut=st.integers(0, 99999))
def test_bytes_of_tensors(earlier: Doors, part: str, where: int, bits: int, cut: int):
    path = earlier.checkpoint / f"{part}.safetensors"
    with as_it_was(path) as before:
        damaged = bytearray(before)
        damaged[where % len(before)] ^= bits
        path.write_bytes(damaged[: cut if cut < len(before) else None])
        earlier.load()


def test_what_is_not_damaged_comes_through(doors: Doors):
    assert read_metadata(doors.checkpoint)["step"] == 8
    assert restore(doors.trainer.parts, doors.trainer.settings, doors.trainer.saver.about, doors.checkpoint)
    assert start_from(doors.trainer.parts, doors.tuned, doors.trainer.saver.about)["head"]
    assert CliRunner().invoke(cli, ["show-checkpoint", str(doors.run)]).exit_code == 0
