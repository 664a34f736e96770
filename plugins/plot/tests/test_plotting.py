"""Plots of heads: what is measured equals closed forms; whatever is installed can be measured; the figure."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from facezoo import FacezooError, margins
from facezoo.registry import API_VERSION, HeadConfig, HeadSpec, LoadedHead, installed_heads, load_head
from facezoo.registry.entries import PluginEntry
from facezoo_plot.curves import HeadCurves, probe
from facezoo_plot.figure import draw
from facezoo_plot.logits import Reader, reader_of
from facezoo_plot.made_up_run import companions, many_classes, two_classes
from facezoo_plot.panels import PANELS
from facezoo_plot.scene import Scene
from facezoo_plot.words import label, notes

HEADS = sorted({entry.name for entry in installed_heads() if entry.status == "ok"})
ANGLES = (3.0, 20.0, 41.0, 66.0, 80.0, 97.0, 130.0, 155.0, 178.0)


def scene(name: str, preset: str | None = None, **settings: object) -> Scene:
    head = load_head(name)
    return many_classes(head, head.configure(settings, preset))


def reader(name: str, preset: str | None = None, **settings: object) -> Reader:
    return reader_of(two_classes(scene(name, preset, **settings)))


def cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))


def sin(degrees: float) -> float:
    return math.sin(math.radians(degrees))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def assert_target(found: Reader, expected: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """The target logit and its slope are those of `expected`, a function of the own cosine."""
    for angle in ANGLES:
        cosine = torch.tensor(cos(angle), dtype=torch.float64, requires_grad=True)
        logit = expected(cosine)
        (slope,) = torch.autograd.grad(logit, cosine)
        assert found.logit(angle, 90) == pytest.approx(logit.item(), abs=1e-9)
        assert found.slope(angle, 90) == pytest.approx(slope.item() * sin(angle), abs=1e-9)


def assert_others(found: Reader, own: float, expected: Callable[[float], float]) -> None:
    """Another class's logit, over that at 90 degrees, is that of `expected`, a function of its cosine."""
    for angle in ANGLES:
        rise = found.logit(own, 90) - found.logit(own, angle)
        assert rise == pytest.approx(expected(cos(angle)) - expected(0.0), abs=1e-9)


def test_cosface():
    found = reader("cosface", scale=20.0, margin=0.3)
    assert (found.kind, found.parts) == ("exact", ("loss",))
    assert_target(found, lambda cosine: 20 * (cosine - 0.3))
    assert_others(found, 60, lambda cosine: 20 * cosine)


@pytest.mark.parametrize("gradient", ["exact", "detached"])
@pytest.mark.parametrize("past_pi", ["penalty", "clamp", "none", "continue"])
def test_arcface(past_pi: str, gradient: str):
    found = reader("arcface", past_pi=past_pi, gradient=gradient, margin=0.5)
    assert_target(found, lambda c: 64 * margins.combined(c, 0.5, past_pi=past_pi, gradient=gradient))
    assert_others(found, 60, lambda cosine: 64 * cosine)


def test_sphereface_has_ended_its_annealing():
    found = reader("sphereface", margin=4.0, lambda_min=5.0)
    assert_target(found, lambda c: 20 * (5 * c + margins.multiplied(c, 4)) / 6)
    assert_others(found, 60, lambda cosine: 20 * cosine)


def test_mvsoftmax_lifts_the_hard_negatives():
    found = reader("mvsoftmax")
    assert_others(found, 60, lambda c: 32 * (1.2 * c + 0.2 if c > cos(60) - 0.35 else c))


def test_a_learned_threshold_is_no_cross_entropy():
    many = scene("uniface", scale=64.0, margin=0.4)
    found, bias = reader_of(two_classes(many)), math.log(99)
    assert found.kind == "effective"
    assert many.numbers()["bias"] == pytest.approx(bias, abs=1e-6)
    for angle in ANGLES:
        loss = math.log1p(math.exp(bias - 64 * (cos(angle) - 0.4))) + math.log1p(math.exp(-bias))
        assert found.logit(angle, 90) == pytest.approx(-math.log(math.expm1(loss)), rel=1e-6)
        pull = 64 * sin(angle) * sigmoid(bias - 64 * (cos(angle) - 0.4))
        push = 64 * sin(angle) * sigmoid(64 * cos(angle) - bias)
        forces = many.measure(angle, 90, beside=companions()).by_own
        assert sum(forces.values()) == pytest.approx(pull, rel=1e-6)
        forces = many.measure(60, angle, beside=companions()).by_other
        assert -sum(forces.values()) == pytest.approx(push, rel=1e-6)


def test_of_several_parts_the_cross_entropy_is_read():
    found = reader("lh2face")
    assert (found.kind, found.parts) == ("part", ("vmf",))
    assert_target(found, lambda cosine: 20 * (cosine - 0.35))


def test_what_a_head_remembers_are_the_class_vectors():
    many = scene("unitsface", scale=64.0, uss_margin=0.1)
    bias = many.numbers()["bias"]
    for angle in ANGLES:
        found = many.measure(60, angle, beside=companions())
        (pair,) = found.by_other.keys() - set(reader_of(two_classes(many)).parts)
        push = 64 * sin(angle) * sigmoid(64 * cos(angle) - bias)
        assert -found.by_other[pair] == pytest.approx(push, rel=1e-6)


def test_measuring_leaves_no_trace():
    many = scene("epl")
    first = many.measure(50, 70)
    many.measure(30, 100, beside=companions())
    assert many.measure(50, 70) == first


@pytest.mark.parametrize("name", HEADS)
def test_every_installed_head_can_be_measured(name: str):
    many = scene(name)
    found = reader_of(two_classes(many))
    logits = [found.logit(angle, 90) for angle in (20, 50, 80, 110)]
    assert all(math.isfinite(logit) for logit in logits)
    assert logits[0] > logits[2]
    assert found.slope(50, 90) >= 0
    forces = many.measure(70, 75, beside=companions())
    assert sum(forces.by_own.values()) > 0
    assert sum(forces.by_other.values()) < 0


@pytest.fixture(scope="module")
def cosface() -> HeadCurves:
    head = load_head("cosface")
    return probe(head, head.configure({"scale": 24.0, "margin": 0.2}, "small"), "small")


@pytest.fixture(scope="module")
def magface() -> HeadCurves:
    head = load_head("magface")
    return probe(head, head.configure({}))


def test_the_curves_of_cosface(cosface: HeadCurves):
    own = np.radians(cosface.angles)
    assert np.allclose(cosface.target_logit, 24 * (np.cos(own) - 0.2), atol=1e-9)
    assert np.allclose(cosface.target_slope, 24 * np.sin(own), atol=1e-9)
    assert np.allclose(cosface.other_logit, 24 * np.cos(own), atol=1e-9)
    wrong = 99 / (99 + np.exp(24 * (np.cos(own) - 0.2)))
    assert np.allclose(cosface.pull, 24 * np.sin(own) * wrong, atol=1e-9)
    raised = np.exp(24 * np.cos(own))
    share = raised / (raised + 98 + math.exp(24 * (0.5 - 0.2)))
    assert np.allclose(cosface.push, 24 * np.sin(own) * share, atol=1e-9)
    points = np.radians([cosface.boundary_own, cosface.boundary_other])
    assert points.shape[1] > 60
    assert np.allclose(np.cos(points[0]) - 0.2, np.cos(points[1]), atol=3e-4)
    assert np.allclose(cosface.margin, 90 - np.degrees(np.arccos(0.2)), atol=0.01)
    assert not cosface.depends_on_norm


def test_a_margin_that_grows_with_the_norm(magface: HeadCurves):
    margin = 0.45 + 0.35 * (magface.norms.clip(10, 110) - 10) / 100
    assert magface.depends_on_norm
    assert np.allclose(magface.margin, np.degrees(margin), atol=0.02)


def test_a_margin_of_the_batch_shrinks_with_the_norm():
    found = reader("lh2face")
    rows = torch.zeros(3, 202, dtype=torch.float64)
    rows[:, 0] = 20.0
    labels = torch.zeros(3, dtype=torch.int64)
    for norm in (10.0, 40.0):
        mean = (3 * 20 + norm) / 4
        expected = norm * cos(75) - 0.35 * mean
        assert found.logit_beside(75, norm, rows, labels) == pytest.approx(expected, rel=1e-3)


def test_words_name_what_differs_and_what_is_shown(cosface: HeadCurves, magface: HeadCurves):
    assert label(cosface) == "cosface@small (scale = 24, margin = 0.2)"
    assert label(magface) == "magface"
    partial = replace(cosface, kind="part", parts=("vmf",), numbers={"bias": 4.59512})
    text = " ".join(notes([magface, partial, replace(magface, kind="effective")]))
    assert "cosface: logits and boundary are those of its part “vmf”" in text
    assert "magface: logits are effective" in text
    assert "cosface: bias = 4.595" in text


def test_json_has_no_nan(cosface: HeadCurves):
    values = replace(cosface, margin=np.array([math.nan, 1.0])).as_dict()
    assert values["margin"] == [None, 1.0]
    assert values["settings"] == {"scale": 24.0, "margin": 0.2}
    assert len(values["pull"]) == len(values["angles"])


@pytest.mark.parametrize(("name", "start"), [("f.png", b"\x89PNG\r\n\x1a\n"), ("f.svg", b"<?xml")])
def test_the_figure(name: str, start: bytes, cosface: HeadCurves, magface: HeadCurves, tmp_path: Path):
    pytest.importorskip("matplotlib", reason="the extra `figures` is not installed")
    draw([cosface, magface], tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_nothing_in_the_figure_overlaps(cosface: HeadCurves, magface: HeadCurves):
    pytest.importorskip("matplotlib", reason="the extra `figures` is not installed")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from facezoo_plot.figure import drawn

    for heads, panels in (([cosface], 6), ([magface], 8), ([cosface, magface, cosface], 8)):
        figure = drawn(heads)
        FigureCanvasAgg(figure).draw()
        assert len(figure.axes) == panels
        boxes = [axes.get_tightbbox() for axes in figure.axes]
        boxes += [legend.get_window_extent() for legend in figure.legends]
        boxes += [text.get_window_extent() for text in (figure._suptitle, figure._supxlabel) if text]
        for place, box in enumerate(boxes):
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.width
            assert not any(box.overlaps(other) for other in boxes[:place])


def test_every_panel_names_its_axes_with_units():
    for panel in PANELS:
        assert "degrees" in panel.x or "norm" in panel.x
        assert panel.title
        assert panel.y


@pytest.mark.parametrize(
    ("path", "count", "message"),
    [("f.pdf", 1, "neither a PNG nor an SVG"), ("f.png", 8, "8 heads"), ("no/f.png", 1, "no folder")],
)
def test_mistakes_are_told(path: str, count: int, message: str, cosface: HeadCurves, tmp_path: Path):
    with pytest.raises(FacezooError, match=message):
        draw([cosface] * count, tmp_path / path)


def test_without_matplotlib_the_figure_names_the_extra(cosface: HeadCurves, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(FacezooError, match="needs matplotlib") as raised:
        draw([cosface], tmp_path / "f.png")
    assert "facezoo[figures]" in raised.value.hint


class Failing(nn.Module):
    def __init__(self, config, context):
        super().__init__()

    def loss(self, batch, scores):
        raise IndexError("no such class")


class Falling(Failing):
    def loss(self, batch, scores):
        return -scores.target.mean()


@pytest.fixture
def homemade(monkeypatch) -> Callable[[type[nn.Module]], LoadedHead]:
    def make(head: type[nn.Module]) -> LoadedHead:
        page = ModuleType("homemade")
        page.Head = head
        monkeypatch.setitem(sys.modules, "homemade", page)
        spec = HeadSpec(
            name="mine", summary="", config=HeadConfig, factory="homemade:Head", api_version=API_VERSION
        )
        return LoadedHead(PluginEntry("mine", "some-dist", "1", ""), spec)

    return make


def test_a_loss_below_zero_is_counted_from_its_least(homemade):
    found = reader_of(two_classes(many_classes(homemade(Falling), HeadConfig())))
    assert (found.kind, found.floor) == ("effective", -1.0)
    assert found.logit(60, 90) == pytest.approx(-math.log(math.expm1(0.5)))


def test_a_head_that_fails_is_named(homemade):
    with pytest.raises(FacezooError, match=r"mine.* fails in loss: IndexError: no such class"):
        probe(homemade(Failing), HeadConfig())
