"""metrics.jsonl after everything that may happen to it: what can be read is read, and the rest is said."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.runs.metrics import MetricsLog, Past, forget_after
from facezoo.runs.written import NAME, RATES, read_metrics, read_written
from facezoo.training.means import Means


def step(number: int, **changes: object) -> dict[str, object]:
    line = {"step": number, "loss": 1.5, "terms": {"margin": 1.5}, "lr": 0.1, "images_per_second": 9.0}
    return line | changes


def write(run_dir: Path, *lines: bytes | dict[str, object]) -> None:
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines]
    (run_dir / NAME).write_bytes(b"".join(raw))


DAMAGE = {
    b"\0" * 700: "zero bytes",
    b'{"step": 3, "lo': "cut short",
    b'{"step": 3, "lo\0\0\n': "no JSON",
    b"\xff\xfe\n": "no JSON",
    b"\n": "no JSON",
    b"3\n": "no JSON object",
    b"[]\n": "no JSON object",
    b"{}\n": "no step",
    b'{"step": "3"}\n': "no step",
    b'{"step": true}\n': "no step",
    b'{"step": 3}\n': "not the line of a step",
    b'{"step": 3, "loss": "high", "terms": {}, "lr": 1, "images_per_second": 1}\n': "not the line of a step",
    b'{"step": 3, "loss": NaN}\n': "NaN is no JSON",
    b'{"event": [], "step": 3}\n': "no event",
    b'{"event": "epoch"}\n': "no step",
    b'{"event": "verification", "step": 3}\n': "no figures",
    b'{"event": "untrained", "step": 0, "verification": 1}\n': "no figures",
    b'{"event": "untrained", "step": 0, "verification": {"accuracy": 0.5}}\n': "no figures",
    b'{"event": "verification", "step": -1, "verification": {}}\n': "no step",
    b'{"step": 3, "loss": 1e999}\n': "1e999 is no number",
    json.dumps(step(3, loss=10**400)).encode() + b"\n": "not the line of a step",
    json.dumps(step(3, images=0)).encode() + b"\n": "not the line of a step",
    b'{"step": ' + b"9" * 5000 + b"}\n": "Exceeds the limit",
    b"[" * 200_000 + b"\n": "nested too deeply",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=range(len(DAMAGE)))
def test_damaged_lines_are_counted_and_the_others_go_on(tmp_path: Path, damage: bytes):
    whole = damage.endswith(b"\n")
    write(tmp_path, step(1), damage, *([step(2)] if whole else []))
    written = read_written(tmp_path)
    assert [line["step"] for line in written.lines] == ([1, 2] if whole else [1])
    (reason,) = written.damaged
    assert reason.startswith("line 2: ")
    assert DAMAGE[damage] in reason
    assert written.words == f"{NAME}: damaged, {reason}; what is damaged is taken out"
    log = MetricsLog(tmp_path)
    log.write(step(3))
    log.close()
    assert read_written(tmp_path).damaged == []
    assert [line["step"] for line in read_metrics(tmp_path)] == ([1, 2, 3] if whole else [1, 3])


def test_steps_are_counted_as_far_as_a_long_run_goes(tmp_path: Path):
    write(tmp_path, step(0), step(10**9))
    assert [line["step"] for line in read_metrics(tmp_path)] == [0, 10**9]


def test_nothing_is_rewritten_where_nothing_is_to_be_taken_out(tmp_path: Path):
    write(tmp_path, step(1), {"event": "observer muted", "at_step": 1}, step(2))
    before = (tmp_path / NAME).stat()
    forget_after(tmp_path, 2)
    assert (tmp_path / NAME).stat() == before
    forget_after(tmp_path, 1)
    assert [line.get("step") for line in read_metrics(tmp_path)] == [1, None]


def test_the_past_is_what_was_written_before_and_since(tmp_path: Path):
    figures = dict.fromkeys(RATES, 0.5)
    line = {"event": "untrained", "step": 0, "verification": figures}
    write(tmp_path, line, step(1))
    log = MetricsLog(tmp_path)
    assert (log.past.untrained, log.past.verified, list(log.past.steps)) == (line, set(), [1])
    log.write(step(2))
    log.write({"event": "verification", "step": 2, "verification": figures})
    assert (log.past.verified, list(log.past.steps)) == ({2}, [1, 2])
    log.write({"event": "epoch", "step": 2})
    log.close()
    log.write(step(3))
    log.close()
    assert log.past == Past.of(read_metrics(tmp_path))
    assert list(log.past.steps) == [3]


def test_names_that_are_no_text_are_written_and_read_back(tmp_path: Path):
    log = MetricsLog(tmp_path)
    log.write({"event": "observer muted", "error": "no such file: \udcff.png", "at_step": 1})
    log.close()
    assert read_metrics(tmp_path)[0]["error"] == "no such file: \udcff.png"
    forget_after(tmp_path, 0)


class Full:
    """Stands for a file on a disk that has room for `room` bytes more."""

    def __init__(self, file, room: int) -> None:
        self.file, self.room = file, room
        self.fileno, self.close = file.fileno, file.close

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self.file.write(data[: self.room])
        self.room -= written
        return written


@pytest.mark.parametrize("room", [0, 7])
def test_on_a_full_disk_the_file_ends_with_a_whole_line(tmp_path: Path, room: int):
    log = MetricsLog(tmp_path)
    log.write(step(1))
    log._file = Full(log._file, room)
    with pytest.raises(FacezooError, match=r"metrics\.jsonl: cannot be written \(No space left") as error:
        log.write(step(2))
    assert "Free some space, then use --resume" in error.value.hint
    assert read_written(tmp_path).damaged == []
    assert list(log.past.steps) == [1]
    log._file.room = 10_000
    log.write(step(2))
    log.close()
    assert [line["step"] for line in read_metrics(tmp_path)] == [1, 2]


@pytest.mark.parametrize("failing", ["fsync", "close"])
def test_a_disk_that_fails_late_is_told_of_too(tmp_path: Path, monkeypatch, failing: str):
    def fail(*_: object) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    log = MetricsLog(tmp_path)
    log.write(step(1))
    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        log._file = Full(log._file, 0)
        log._file.close = fail
    with pytest.raises(FacezooError, match="Disk quota exceeded"):
        log.close()


def test_nothing_is_written_through_a_link(tmp_path: Path):
    (tmp_path / "precious").write_text("mine\n")
    (tmp_path / NAME).symlink_to(tmp_path / "precious")
    log = MetricsLog(tmp_path)
    log._past = Past()
    with pytest.raises(FacezooError, match="cannot be written"):
        log.write(step(1))
    assert (tmp_path / "precious").read_text() == "mine\n"


def test_a_folder_in_its_place_is_a_clear_error(tmp_path: Path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(FacezooError, match="cannot be read"):
        read_metrics(tmp_path)


def test_means_over_lines_with_figures_that_were_not_finite():
    means = Means()
    means.add_written([step(1, terms={"a": None}), step(2, terms={"a": 1.0})], {1: 4, 2: 4})
    assert means.figures()["loss"] == 1.5
    assert means.figures()["terms"]["a"] != means.figures()["terms"]["a"]  # NaN, as the unbroken run has it


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KEYS = ("event", "step", "loss", "terms", "lr", "images_per_second", "verification", "images", "path")
EVENTS = (None, "epoch", "untrained", "verification", "image skipped", "observer muted")


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A few lines, one of them with a value changed or gone, and perhaps a few bytes that are others."""
    lines = []
    for number in range(draw(st.integers(1, 4))):
        line = step(number) | {"event": draw(st.sampled_from(EVENTS)), "path": "a/0.png"}
        line["verification"] = dict.fromkeys(RATES, 0.5)
        for key in draw(st.sets(st.sampled_from(KEYS), max_size=2)):
            line[key] = draw(VALUES)
        gone = draw(st.sampled_from([None, None, *KEYS]))
        lines.append(json.dumps({key: value for key, value in line.items() if key != gone}))
    raw = bytearray("\n".join([*lines, ""]).encode())
    for place in draw(st.lists(st.integers(0, len(raw) - 1), max_size=3)):
        raw[place] = draw(st.integers(0, 255))
    return bytes(raw[: draw(st.integers(0, len(raw)))] + draw(st.sampled_from([b"", b"", b"\0\0", b"\n"])))


@pytest.mark.slow
@pytest.mark.soak
@given(files())
def test_whatever_the_file_holds_a_run_goes_on(content: bytes):
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder)
        (run_dir / NAME).write_bytes(content)
        lines, log, means = read_metrics(run_dir), MetricsLog(run_dir), Means()
        steps = [line for line in lines if "event" not in line or line["event"] is None]
        means.add_written(steps, dict.fromkeys((line["step"] for line in steps), 3))
        if steps:
            means.figures()
        log.write(step(7))
        log.close()
        assert read_written(run_dir).damaged == []
        assert read_metrics(run_dir) == [*lines, step(7)]
        forget_after(run_dir, 2)
        json.dumps(log.past.untrained, allow_nan=False)
