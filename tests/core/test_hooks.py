"""Observers: every event reaches an installed one, and one that raises is muted, named and kept."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from facezoo.hooks import Events, Observers, load_observers
from support.distributions import Distribution
from support.fixtures import FORMER, MISFITS, RAISER, RECORDER, RIVALS

RUN = SimpleNamespace(dir=Path("runs/x"), settings=None, step=3, epoch=1)


@pytest.fixture
def observers(with_installed: Callable[..., None], monkeypatch, tmp_path: Path) -> Callable[..., Observers]:
    monkeypatch.setenv("RECORD", str(tmp_path / "record.jsonl"))

    def load(*dists: Distribution) -> Observers:
        with_installed(*dists)
        return load_observers()

    return load


def recorded(tmp_path: Path) -> list[dict[str, object]]:
    path = tmp_path / "record.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def fire(found: Observers) -> None:
    assert found.train_start(run=RUN) in ([], ["recording x"])
    found.step_end(run=RUN, step=3, metrics={"loss": 1.0})
    found.checkpoint_metadata(run=RUN)
    found.epoch_end(run=RUN, epoch=1, metrics={"loss": 2.0})
    found.verification_end(run=RUN, step=3, figures={"accuracy": 0.5})
    found.train_end(run=RUN)


def test_every_event_reaches_an_installed_observer(observers, tmp_path: Path):
    found = observers(RECORDER)
    fire(found)
    assert recorded(tmp_path) == [
        {"event": "train_start", "dir": "runs/x"},
        {"event": "step_end", "step": 3, "keys": ["loss"]},
        {"event": "checkpoint_metadata"},
        {"event": "epoch_end", "epoch": 1, "keys": ["loss"]},
        {"event": "verification_end", "step": 3, "accuracy": 0.5},
        {"event": "train_end", "step": 3},
    ]
    assert {line["event"] for line in recorded(tmp_path)} == {name for name in vars(Events) if name[0] != "_"}
    assert found.muted == []


def test_answers_come_back_by_observer(observers):
    found = observers(RECORDER)
    found.step_end(run=RUN, step=1, metrics={})
    assert found.checkpoint_metadata(run=RUN) == {"facezoo-recorder:recorder": {"steps": 1}}


def test_a_class_is_a_fresh_observer_for_each_run(observers):
    observers(RECORDER).step_end(run=RUN, step=1, metrics={})
    assert observers(RECORDER).checkpoint_metadata(run=RUN) == {"facezoo-recorder:recorder": {"steps": 0}}


def test_a_raising_observer_is_muted_named_once_and_harms_nobody(observers, tmp_path: Path):
    found = observers(RECORDER, RAISER)
    message = "observer 'raiser' of facezoo-raiser 1.0 is muted: step_end: ValueError: at step 1"
    with pytest.warns(RuntimeWarning, match=message):
        found.step_end(run=RUN, step=1, metrics={})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found.step_end(run=RUN, step=2, metrics={})
        found.epoch_end(run=RUN, epoch=1, metrics={})
    assert found.muted == [
        {
            "observer": "raiser",
            "dist": "facezoo-raiser",
            "event": "step_end",
            "error": "ValueError: at step 1",
        }
    ]
    assert [line["event"] for line in recorded(tmp_path)] == ["step_end", "step_end", "epoch_end"]


def test_an_observer_that_does_not_import_or_fit_is_muted_at_once(observers):
    with pytest.warns(RuntimeWarning) as caught:
        found = observers(MISFITS)
    errors = {record["observer"]: (record["event"], record["error"]) for record in found.muted}
    assert len(caught) == len(errors) == 3
    assert errors["unimportable"] == ("load", "ModuleNotFoundError: No module named 'of_yore'")
    assert errors["misspelt"][1] == "FacezooError: there is no event 'step_ended'; did you mean 'step_end'?"
    assert "PluginValidationError" in errors["demanding"][1]
    fire(found)


def test_answers_that_cannot_be_kept_mute_their_author(observers):
    found = observers(RIVALS, RECORDER)
    with pytest.warns(RuntimeWarning, match="'talker' .* is muted: train_start: TypeError"):
        assert found.train_start(run=RUN) == ["recording x"]
    with pytest.warns(RuntimeWarning, match="'rival' .* is muted: checkpoint_metadata: TypeError"):
        assert found.checkpoint_metadata(run=RUN) == {"facezoo-recorder:recorder": {"steps": 0}}
    assert [record["observer"] for record in found.muted] == ["talker", "rival"]


def test_an_observer_of_an_event_that_has_gone_is_told_once_and_hears_the_others(observers, tmp_path: Path):
    with pytest.warns(RuntimeWarning) as caught:
        found = observers(FORMER)
    (warning,) = caught
    assert str(warning.message) == (
        "observer 'former' of facezoo-former 1.0 has the event evaluation_protocols, which is no more: "
        "offer a benchmark instead (entry-point group facezoo.benchmarks)"
    )
    assert found.train_start(run=RUN) == ["here"]
    assert found.muted == []


def test_metrics_are_read_only(observers, with_installed):
    class Meddler:
        from facezoo.hooks import hookimpl

        @hookimpl
        def step_end(self, metrics):
            metrics["loss"] = 0

    found, metrics = Observers(), {"loss": 1.0}
    with_installed(RECORDER)
    entry = SimpleNamespace(name="m", dist="d", version="1", qualified="d:m")
    found.add(entry, Meddler)
    with pytest.warns(RuntimeWarning, match="TypeError"):
        found.step_end(run=RUN, step=1, metrics=metrics)
    assert metrics == {"loss": 1.0}


def test_a_disabled_observer_is_not_imported(observers, monkeypatch):
    monkeypatch.setenv("FACEZOO_DISABLE", "unimportable,facezoo-misfits:misspelt,demanding")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert observers(MISFITS).muted == []


def test_every_event_is_documented():
    assert all(event.__doc__ for name, event in vars(Events).items() if not name.startswith("_"))
