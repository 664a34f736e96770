"""What TensorBoard reads of a run is what metrics.jsonl holds, once per step, whatever happened to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from facezoo.runs.written import read_metrics
from facezoo.training import Interrupted, Trainer, train
from facezoo_tensorboard import FOLDER, TensorBoard, event_file, scalars
from facezoo_tensorboard.event_file import EventFile
from support.stateful_head import run_settings

Curves = dict[str, list[tuple[int, float]]]
STEPS = 16  # four epochs of four steps


@pytest.fixture(autouse=True)
def switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other tests run with it switched off."""
    monkeypatch.delenv("FACEZOO_DISABLE", raising=False)


def read(run_dir: Path) -> Curves:
    """All that TensorBoard shows, by tag."""
    events = EventAccumulator(str(run_dir / FOLDER), size_guidance={"scalars": 0}).Reload()
    return {
        tag: [(scalar.step, scalar.value) for scalar in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def expected(run_dir: Path) -> Curves:
    """The same from metrics.jsonl."""
    groups = {None: "step", "epoch": "epoch", "untrained": "verification", "verification": "verification"}
    never = {"event", "step", "epoch", "genuine", "impostor", "majority"}
    curves: Curves = {}
    for line in read_metrics(run_dir):
        group = groups[line.get("event")]
        figures = line["verification"] if group == "verification" else line
        kept = {name: value for name, value in figures.items() if name not in never}
        for tag, value in scalars(group, kept).items():
            curves.setdefault(tag, []).append((line["step"], pytest.approx(value, rel=1e-6)))
    return curves


def stopping_at(monkeypatch: pytest.MonkeyPatch, step: int, stop: Callable[[], Any]) -> None:
    """Call `stop` at the beginning of the step after `step`."""
    compute = Trainer._step

    def computed(self: Trainer, *batch: Any) -> dict[str, Any]:
        if self.course.step == step:
            stop()
        return compute(self, *batch)

    monkeypatch.setattr(Trainer, "_step", computed)


def fail() -> None:
    raise SystemError("the power went")


def test_all_figures_of_a_run_are_there_and_the_run_says_where(data: Path, tmp_path: Path):
    said = StringIO()
    settings = run_settings(data, evaluate={"every": 3}, optimizer={"clip_norm": 5.0})
    train(settings, tmp_path / "run", console=Console(file=said, width=500))
    assert said.getvalue().splitlines().count(f"TensorBoard events: {tmp_path / 'run' / FOLDER}") == 1
    curves = read(tmp_path / "run")
    assert curves == expected(tmp_path / "run")
    steps = {tag: [step for step, _ in points] for tag, points in curves.items()}
    for name in ("loss", "terms/learned", "terms/remembered", "lr", "gradient_norm", "images_per_second"):
        assert steps[f"step/{name}"] == list(range(1, STEPS + 1))
    for name in ("loss", "terms/learned", "images_per_second"):
        assert steps[f"epoch/{name}"] == [4, 8, 12, 16]
    for name in ("accuracy", "auc", "eer"):
        assert steps[f"verification/{name}"] == [0, 12, 16]


@pytest.mark.parametrize("crash", [1, 3, 8, 9, 15])
def test_a_resumed_run_shows_no_step_twice(data: Path, tmp_path: Path, monkeypatch, crash: int):
    settings = run_settings(data, evaluate={"every": 3})  # saved after 8 steps, and after 12
    stopping_at(monkeypatch, crash, fail)
    with pytest.raises(SystemError):
        train(settings, tmp_path / "run")
    assert read(tmp_path / "run")["step/loss"][-1][0] == crash
    monkeypatch.undo()
    monkeypatch.delenv("FACEZOO_DISABLE", raising=False)
    (written,) = (tmp_path / "run" / FOLDER).iterdir()
    written.write_bytes(written.read_bytes() + b"\x2a\0\0\0\0")  # a record that a kill cut short
    train(settings, tmp_path / "run", resume=True)
    assert len(list((tmp_path / "run" / FOLDER).iterdir())) == 2
    curves = read(tmp_path / "run")
    assert curves == expected(tmp_path / "run")
    assert [step for step, _ in curves["step/loss"]] == list(range(1, STEPS + 1))


def test_a_finished_run_that_is_resumed_stays_as_it_is(data: Path, tmp_path: Path):
    settings = run_settings(data)
    train(settings, tmp_path / "run")
    before = read(tmp_path / "run")
    assert [step for step, _ in before["verification/accuracy"]] == [0, STEPS]
    train(settings, tmp_path / "run", resume=True)
    assert read(tmp_path / "run") == before == expected(tmp_path / "run")


@pytest.mark.parametrize("way", ["finished", "interrupted", "failed"])
def test_the_file_is_closed_however_a_run_ends(data: Path, tmp_path: Path, monkeypatch, way: str):
    opened: list[EventFile] = []
    monkeypatch.setattr(
        "facezoo_tensorboard.EventFile", lambda *a, **k: opened.append(EventFile(*a, **k)) or opened[-1]
    )
    if way == "finished":
        train(run_settings(data, train={"epochs": 1}), tmp_path / "run")
    elif way == "interrupted":
        stopping_at(monkeypatch, 5, lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(Interrupted):
            train(run_settings(data), tmp_path / "run")
        assert read(tmp_path / "run")["step/loss"][-1][0] == 6  # the step that was being computed
    else:
        stopping_at(monkeypatch, 5, fail)
        with pytest.raises(SystemError):
            train(run_settings(data), tmp_path / "run")
    assert [file.closed for file in opened] == [True]
    assert read(tmp_path / "run") == expected(tmp_path / "run")


@pytest.mark.parametrize("name", ["tensorboard", "facezoo-tensorboard:tensorboard"])
def test_it_can_be_switched_off(data: Path, tmp_path: Path, monkeypatch, name: str):
    monkeypatch.setenv("FACEZOO_DISABLE", name)
    train(run_settings(data, train={"epochs": 1}), tmp_path / "run")
    assert not (tmp_path / "run" / FOLDER).exists()


def test_it_is_muted_where_it_cannot_write(data: Path, tmp_path: Path):
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.warns(
        RuntimeWarning, match="observer 'tensorboard' .* is muted: train_start: FileExistsError"
    ):
        train(run_settings(data, train={"epochs": 1}), tmp_path)
    assert [line["dist"] for line in read_metrics(tmp_path) if line.get("event") == "observer muted"] == [
        "facezoo-tensorboard"
    ]


def test_nothing_is_written_through_a_link(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotADirectoryError, match="nothing is written through one"):
        EventFile(tmp_path / FOLDER, purge_from=0)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_is_no_number_is_left_out():
    metrics = {"loss": 1, "auc": None, "fold_accuracy": [0.5], "sound": True, "terms": {"a": 2.5, "b": None}}
    assert scalars("step", metrics) == {"step/loss": 1.0, "step/terms/a": 2.5}


def test_files_are_read_in_the_order_of_their_making(tmp_path: Path, monkeypatch):
    for now in (1000.2, 1000.8, 900.0):  # of one second, and of a clock that was set back
        monkeypatch.setattr(event_file.time, "time", lambda now=now: now)
        EventFile(tmp_path, purge_from=0).close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.split(".")[3] for name in names] == ["0000001000", "0000001001", "0000001002"]


def test_the_end_may_come_without_a_beginning():
    TensorBoard().train_end()


def python(code: str, *path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words", [["list-heads"], ["train", "--head", "cosface", "--data", ".", "--dry-run"]]
)
def test_other_commands_do_not_import_it(words: list[str]):
    python(
        "import sys; from facezoo_cli.main import cli\n"
        f"cli({words!r}, standalone_mode=False)\n"
        "assert not {'facezoo_tensorboard', 'tensorboard'} & sys.modules.keys()"
    )


def test_tensorflow_stays_out_even_where_it_is_installed(tmp_path: Path):
    (tmp_path / "tensorflow.py").write_text("raise SystemError('TensorFlow was imported')")
    python(
        "import sys; from pathlib import Path; from facezoo_tensorboard import EventFile\n"
        f"EventFile(Path({str(tmp_path / 'out')!r}), purge_from=0).close()\n"
        "assert not {'tensorflow', 'torch', 'grpc'} & sys.modules.keys()",
        tmp_path,
    )
