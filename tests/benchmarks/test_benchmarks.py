"""The benchmarks run, with sizes at which they measure nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

HERE = Path(__file__).parent
TINY = (
    "--backbones=small",
    "--identities=4",
    "--batch=8",
    "--warmup=1",
    "--steps=1",
    "--threads=1",
    "--json",
)
SCRIPTS = (
    "training",
    "saving",
    "published",
    "_published",
    "head_step",
    "_runs",
    "startup",
    "intervals",
    "pairs",
)
TRAINING = (*TINY, "--images=4", "--rounds=1", "--workers=0")


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Import a script as if it were called with some options."""
    monkeypatch.syspath_prepend(HERE)
    threads = torch.get_num_threads()

    def called(name: str, *options: str) -> Any:
        monkeypatch.setattr(sys, "argv", [name, *options])
        return import_module(name)

    yield called
    torch.set_num_threads(threads)
    for name in SCRIPTS:
        sys.modules.pop(name, None)


def rows(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def test_training_is_measured_beside_the_usual_loop(benchmark, monkeypatch, capsys):
    script = benchmark("training", *TRAINING)

    def here(options: Any, backbone: str, name: str) -> dict[str, float]:
        if name == script.PLAIN:
            return script.plain(options, backbone)
        return script.facezoo(options, backbone, name)

    monkeypatch.setattr(script, "in_a_process", here)
    script.main()
    found = rows(capsys.readouterr().out)
    assert [row["name"] for row in found] == list(script.CONTENDERS)
    assert found[0]["ratio"] == 1
    assert all(row["images_per_second"] > 0 and row["ratio"] > 0 for row in found)


def test_the_share_of_a_save_falls_with_the_size_of_the_set(benchmark, capsys):
    benchmark("saving", *TINY, "--saves=1", "--images=300,30000").main()
    (found,) = rows(capsys.readouterr().out)
    assert found["mib"] > 1
    assert 1 > found["shares"]["300"] > found["shares"]["30000"] > 0


def test_published_heads_are_counted_as_a_plain_step_is_and_left_out_where_missing(
    benchmark, tmp_path, capsys
):
    script = benchmark("published", str(tmp_path), "--batch=16", "--classes=400", "--dim=2", "--json")
    problem = script.make_problem(16, 400, 2)
    peak, passes = script.count(import_module("head_step").published_cosface(problem), 16, 400)
    # Cosines, margins, their difference, scaled, log-softmax; back: loss, softmax, scale.
    assert passes == 8
    assert round(peak / problem.matrix_bytes) == 5
    script.main()
    printed = capsys.readouterr().out
    assert {row["implementation"] for row in rows(printed)} == {"facezoo, dense", "facezoo, streamed"}
    assert "cosface" in {row["head"] for row in rows(printed)}
    assert f"{len(script.EACH)} of {len(script.EACH)} published implementations are left out" in printed


def test_commands_are_timed_beside_a_process_that_imports_click_alone(benchmark, capsys):
    benchmark("startup", "--rounds=1", "--json").main()
    found = rows(capsys.readouterr().out)
    assert [row["command"].split()[0] for row in found] == ["python", *["facezoo"] * 5]
    assert all(row["wall_ms"] > 0 and row["processor_ms"] > 0 for row in found)
    assert found[0]["ratio"] == 1


def test_replicates_are_timed_with_ties_and_without(benchmark, capsys):
    benchmark("intervals", "--pairs=100", "--people=30", "--replicates=5", "--rounds=1", "--json").main()
    assert [row["decimals"] for row in rows(capsys.readouterr().out)] == [8, 2]


def test_lists_of_each_kind_are_read_whole(benchmark, tmp_path):
    script = benchmark("pairs")
    found = {}
    for kind in script.KINDS:
        script.write_list(tmp_path / kind, kind, 50)
        found[kind] = script.measure(tmp_path / kind)
    assert {row["pairs"] for row in found.values()} == {50}
    assert found["plain"]["images"] == found["quoted"]["images"] < found["distinct"]["images"] == 100


@pytest.mark.slow
def test_each_measurement_is_a_process_of_its_own():
    command = [sys.executable, str(HERE / "training.py"), *TRAINING]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [row["ratio"] == 1 for row in rows(done.stdout)] == [True, False, False, False]
