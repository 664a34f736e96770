"""How a run begins: a start that fails leaves nothing, and what is not this run's is left alone."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from facezoo import FacezooError
from facezoo.hooks import Observers
from facezoo.runs.claim import ClaimedError, claim
from facezoo.runs.directory import begin, check_directory, holds_run, refuse_run
from facezoo.runs.metrics import MetricsLog
from facezoo.settings import RunSettings
from facezoo.training import Trainer, resume, session, train
from facezoo.training.trainer import Trainer as TrainerClass
from facezoo.training.verifying import Verifier
from support.stateful_head import run_settings

STEP = b'{"step": 1, "loss": 1, "terms": {}, "lr": 1, "images_per_second": 1}\n'
RATES = b'{"accuracy": 0.5, "fold_sd": 0, "se": 0, "auc": null, "eer": 0.5}'
UNTRAINED = b'{"event": "untrained", "step": 0, "verification": ' + RATES + b"}\n"


@pytest.fixture(scope="module")
def settings(data: Path) -> RunSettings:
    return run_settings(data, train={"epochs": 1})


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"path": "facez"}}, "does not exist"),
        ({"data": {"size": 48, "path": "tall"}}, "another aspect ratio"),
        ({"evaluate": {"pairs": "pears.csv"}}, "pears.csv"),
        ({"evaluate": {"pairs": "none", "every": 1}}, "there are no pairs to verify"),
        ({"train": {"device": "cuda:99"}}, "train.device"),
        ({"train": {"init_from": "no-such-run"}}, "no-such-run"),
        ({"train": {"batch_size": 1}}, "train.batch_size"),
        ({"backbone": {"name": "smal"}}, "smal"),
        ({"head": {"fails_at": 0}}, "the loss is nan at step 1"),
    ],
)
def test_a_start_that_fails_leaves_nothing(data: Path, tmp_path: Path, monkeypatch, changes, message: str):
    from PIL import Image

    for name in "ab":
        (tmp_path / "home" / "tall" / name).mkdir(parents=True)
        Image.new("RGB", (20, 30)).save(tmp_path / "home" / "tall" / name / "0.png")
    monkeypatch.chdir(tmp_path / "home")
    with pytest.raises(FacezooError) as error:
        train(run_settings(data, **changes), tmp_path / "runs" / "deep" / "mine")
    assert message in error.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize("place", ["verify", "left out", "before its first step", "observer"])
def test_nor_does_one_that_fails_later(settings: RunSettings, tmp_path: Path, monkeypatch, place: str):
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    target, name = {
        "verify": (Verifier, "measure"),
        "left out": (MetricsLog, "write"),
        "before its first step": (TrainerClass, "fit"),
        "observer": (Observers, "train_start"),
    }[place]
    monkeypatch.setattr(target, name, fail)
    with pytest.raises(ZeroDivisionError):
        train(settings, tmp_path / "runs" / "mine")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_was_there_stays_with_all_that_is_in_it(settings, tmp_path: Path, monkeypatch):
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr(TrainerClass, "fit", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(settings, tmp_path)
    assert everything(tmp_path) == {"notes.txt": b"mine"}


def test_the_corrected_command_takes_over_what_an_earlier_facezoo_left(settings, tmp_path: Path):
    files = {"resolved.toml": b"# facezoo 0.1.0; stateful\n", "metrics.jsonl": UNTRAINED, ".lock": b""}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert not holds_run(tmp_path)
    printed = StringIO()
    evaluation = train(settings, tmp_path, console=Console(file=printed, width=200))
    assert "a start that failed before its first step lay there; it is replaced" in printed.getvalue()
    assert evaluation["untrained"]["accuracy"] != 0.5
    assert (tmp_path / "metrics.jsonl").read_text().count('"untrained"') == 1


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("metrics.jsonl", UNTRAINED + STEP, "--resume"),
        ("metrics.jsonl", UNTRAINED + b"\0\0", "--resume"),
        ("evaluation.json", b"{}", "--resume"),
        ("checkpoints/step-3/model.safetensors", b"", "--resume"),
        ("resolved.toml", b"[other]\n", "--resume"),
    ],
)
def test_nothing_that_may_be_a_run_is_taken_over(settings, tmp_path: Path, name: str, content: bytes, hint):
    (tmp_path / "resolved.toml").write_text("# facezoo 0.1.0; stateful\n")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(content)
    before = everything(tmp_path)
    with pytest.raises(FacezooError, match="holds a run already") as error:
        train(settings, tmp_path)
    assert hint in error.value.hint
    assert everything(tmp_path) == before


def test_a_run_without_its_settings_is_not_trained_over(settings, tmp_path: Path):
    (tmp_path / "checkpoints" / "step-3").mkdir(parents=True)
    with pytest.raises(FacezooError, match="holds a run already") as error:
        train(settings, tmp_path)
    assert "Its resolved.toml is missing" in error.value.hint


def test_of_two_that_start_at_once_one_begins(settings: RunSettings, tmp_path: Path):
    run = tmp_path / "mine"
    with begin(run, settings) as taken_over:
        assert not taken_over
        with pytest.raises(ClaimedError), begin(run, settings):
            pass
        (run / "metrics.jsonl").write_bytes(STEP)
    with pytest.raises(FacezooError, match="holds a run already"), begin(run, settings):
        pass
    assert {path.name for path in run.iterdir()} == {"resolved.toml", "metrics.jsonl", ".lock"}


def test_that_another_is_at_work_is_told_before_anything_is_opened(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(session, "Trainer", lambda *_, **__: 1 / 0)
    with claim(tmp_path), pytest.raises(ClaimedError):
        train(run_settings(tmp_path / "nowhere"), tmp_path)


def test_settings_that_cannot_be_written_are_told_before_anything_is(settings, tmp_path: Path):
    odd = settings.evaluate.model_copy(update={"images": "faces \udcff"})
    changed = RunSettings(**{**vars(settings), "evaluate": odd})
    with pytest.raises(FacezooError, match="no UTF-8") as error, begin(tmp_path / "mine", changed):
        pass
    assert error.value.message.endswith('images = "faces \\udcff"')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["file", "file/run"])
def test_an_out_that_cannot_be_a_directory_is_a_clear_error(settings, tmp_path: Path, out: str):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FacezooError, match="file") as error:
        train(settings, tmp_path / out)
    assert "--out" in error.value.hint
    assert everything(tmp_path) == {"file": b"mine"}


def test_a_place_that_cannot_be_written_is_told_before_anything_is_opened(
    settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "access", lambda place, mode: place != tmp_path)
    monkeypatch.setattr(session, "Trainer", None)
    with pytest.raises(FacezooError, match=r"run: cannot be written \(no permission to write in ") as error:
        train(settings, tmp_path / "runs" / "run")
    assert "--out" in error.value.hint


FILES = ["resolved.toml", "metrics.jsonl", "evaluation.json", "left_out.txt", ".lock"]


@pytest.mark.parametrize("name", [*FILES, "checkpoints"])
@pytest.mark.parametrize("kind", ["link", "dangling", "other", "fifo"])
def test_links_and_other_things_in_a_run_directory_are_refused(
    settings, tmp_path: Path, name: str, kind: str
):
    precious, run = tmp_path / "precious", tmp_path / "run"
    run.mkdir()
    precious.mkdir() if name == "checkpoints" else precious.write_text("mine")
    if kind in {"link", "dangling"}:
        (run / name).symlink_to(precious if kind == "link" else tmp_path / "nowhere")
    elif kind == "fifo":
        os.mkfifo(run / name)
    elif name == "checkpoints":
        (run / name).touch()
    else:
        (run / name).mkdir()
    before = sorted(tmp_path.rglob("*"))
    for start in (lambda: train(settings, run), lambda: resume(run), lambda: refuse_run(run)):
        with pytest.raises(FacezooError, match=rf"{name}: is .*, where a run has a"):
            start()
    assert sorted(tmp_path.rglob("*")) == before
    assert precious.is_dir() or precious.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("resolved.toml", b""),
        ("resolved.toml", b"\0" * 400),
        ("resolved.toml", b"\xff\xfe"),
        ("resolved.toml", b"[train]\nseed = " + b"9" * 5000),
        ("resolved.toml", b"a = " + b"[" * 50_000),
        ("resolved.toml", b'[head]\nname = "no-such-head"\n'),
        ("resolved.toml", b'[head]\nname = "cosface"\n[train]\nthreads = 1000000\n'),
        ("resolved.toml", b'[head]\nname = "cosface"\n[optimizer]\nwarmup_epochs = 1e308\n'),
        ("checkpoints/best.json", b"{"),
        ("checkpoints/best.json", b"[" * 50_000),
        ("checkpoints/step-7", b"a file"),
        ("checkpoints/step-7/model.safetensors", b"half"),
    ],
)
def test_a_damaged_run_is_refused_in_a_sentence_and_left_as_it_is(tmp_path: Path, name: str, content: bytes):
    (tmp_path / "resolved.toml").write_text('# facezoo 0.1.0\n[head]\nname = "cosface"\n')
    (tmp_path / "metrics.jsonl").write_bytes(UNTRAINED + STEP + b"\0")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(content)
    before = everything(tmp_path)
    with pytest.raises(FacezooError) as error:
        resume(tmp_path)
    assert 10 < len(error.value.message) < 400
    assert "\n" not in error.value.message
    assert {name: text for name, text in everything(tmp_path).items() if name != ".lock"} == before


def test_the_run_directory_itself_may_be_a_link(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    check_directory(tmp_path / "run")


def test_the_lock_is_no_link(tmp_path: Path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(FacezooError, match=r"\.lock: is a link"), claim(tmp_path):
        pass
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_refused_resume_changes_nothing(data: Path, tmp_path: Path):
    trainer = Trainer(run_settings(data), tmp_path)
    trainer.fit(until=1)
    trainer.saver.save()
    trainer.fit(until=2)
    (tmp_path / "resolved.toml").touch()
    before = everything(tmp_path)
    with pytest.raises(FacezooError, match="other settings"):
        train(run_settings(data, optimizer={"lr": 0.2}), tmp_path, resume=True)
    (tmp_path / "checkpoints" / "best.json").write_text("{")
    with pytest.raises(FacezooError, match=r"best\.json"):
        train(run_settings(data), tmp_path, resume=True)
    (tmp_path / "checkpoints" / "best.json").unlink()
    assert {name: text for name, text in everything(tmp_path).items() if name != ".lock"} == before


def test_a_resume_says_what_was_damaged_and_goes_on(data: Path, tmp_path: Path):
    settings = run_settings(data, train={"epochs": 1}, evaluate={"pairs": "none"})
    trainer = Trainer(settings, tmp_path)
    trainer.fit(until=3)
    trainer.saver.save()
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b"\0" * 512)
    printed = StringIO()
    train(settings, tmp_path, resume=True, console=Console(file=printed, width=300))
    assert "metrics.jsonl: damaged, line 4: zero bytes; what is damaged is taken out" in printed.getvalue()
    assert b"\0" not in (tmp_path / "metrics.jsonl").read_bytes()
