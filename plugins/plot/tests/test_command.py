"""`facezoo plot-head`: settings, files and what is said; the curves themselves are tested beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facezoo.registry import load_head
from facezoo_plot.command import _split
from facezoo_plot.curves import HeadCurves


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(monkeypatch) -> list[tuple]:
    """What is measured and drawn, without doing either."""
    calls = []

    def probe(head, config, preset):
        calls.append((head.spec.name, preset, config))
        empty = dict.fromkeys(HeadCurves.__dataclass_fields__, ())
        return HeadCurves(**{**empty, "head": head.spec.name, "preset": preset})

    monkeypatch.setattr("facezoo_plot.curves.probe", probe)
    monkeypatch.setattr("facezoo_plot.figure.draw", lambda curves, path: calls.append((len(curves), path)))
    return calls


def test_a_picture_and_its_numbers(folder: Path, invoke):
    result = invoke("plot-head", "cosface", "--set", "head.margin=0.2", "-o", "mine.png", "--json")
    assert result.exit_code == 0, result.stderr
    (head,) = json.loads(result.stdout)["heads"]
    assert (head["head"], head["settings"], head["kind"]) == ("cosface", {"margin": 0.2}, "exact")
    assert len(head["angles"]) == len(head["target_logit"])
    assert (folder / "mine.png").read_bytes()[:4] == b"\x89PNG"
    assert result.stderr == "[1/1] cosface\nwritten to mine.png\n"


def test_each_head_may_have_a_preset(folder: Path, invoke, asked):
    result = invoke("plot-head", "cosface", "arcface@cm1", "--preset", "small", "--set", "head.scale=30.0")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "written to cosface-arcface.png\n"
    (first, second, drawn) = asked
    assert first[:2] == ("cosface", "small")
    assert (first[2].scale, first[2].margin) == (30.0, load_head("cosface").preset("small")["margin"])
    assert second[:2] == ("arcface", "cm1")
    assert (second[2].scale, second[2].margin) == (30.0, 0.3)
    assert drawn == (2, Path("cosface-arcface.png"))


def test_numbers_alone_write_no_picture(folder: Path, invoke, asked):
    result = invoke("plot-head", "cosface", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["heads"][0]["head"] == "cosface"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["cosface", "--set", "data.size=3"], "a margin has no data"),
        (["cosface", "--set", "head.margn=3"], "did you mean 'margin'? (--set)"),
        (["cosface", "arcface", "--set", "head.cosine_margin=0.1"], "head.cosine_margin: unknown setting"),
        (["cosface@"], "names no preset"),
        (["cosface@smal"], "did you mean 'small'"),
        (["cosfase"], "did you mean 'cosface'"),
        (["cosface", "-o", "f.pdf"], "neither a PNG nor an SVG"),
        (["cosface", "-o", "no/f.png"], "no is no folder"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(folder: Path, invoke, asked, args, message):
    result = invoke("plot-head", *args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert asked == []


def test_a_head_may_come_with_its_distribution_and_a_preset():
    assert _split("facezoo.Twin:plain@paper", None) == ("facezoo.Twin:plain", "paper")
