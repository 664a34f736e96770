"""The checks of benchmarks: sound ones pass, and each broken one fails its check."""

from __future__ import annotations

from pathlib import Path

import pytest

from facezoo import FacezooError
from facezoo.registry.entries import BENCHMARKS
from facezoo_conformance import checks
from facezoo_conformance.benchmarks import RULES
from support.distributions import Distribution

BROKEN = [name for name in RULES if name not in ("requirement", "no_torch")]
OTHERS = ["plain", "twice", "bare", "remembering", "undefined", "headless", "missing", "halved"]
NAMES = [*OTHERS, *BROKEN]
RECORDS = "\n".join(
    [
        "from facezoo.benchmarks import BenchmarkSpec",
        *(
            f"{name} = BenchmarkSpec(name={name!r}, summary='', open='fixture_marks:open_{name}')"
            for name in NAMES
        ),
        "crash = BenchmarkSpec(name='crash', summary='', open='fixture_marks:crash')",
    ]
)
DIST = Distribution(
    "facezoo-broken-benchmarks",
    {
        "fixture_benchmarks": RECORDS,
        "fixture_marks": Path(__file__).with_name("broken_benchmarks.py").read_text(encoding="utf-8"),
    },
    {BENCHMARKS: {name: f"fixture_benchmarks:{name}" for name in (*NAMES, "crash")}},
)


@pytest.fixture(autouse=True)
def there(with_installed):
    with_installed(DIST)


def failed(name: str, only: str = "") -> dict[str, str]:
    """What one check finds, or all but that of a fresh interpreter, which takes its time."""
    chosen = [check for check in checks("benchmark", name) if check.name == only or not only]
    chosen = [check for check in chosen if check.name != "no_torch"]
    results = {check.name: check.result() for check in chosen}
    return {check: result.message for check, result in results.items() if result.outcome != "passed"}


def test_a_sound_benchmark_passes():
    assert failed("plain") == {}


@pytest.mark.parametrize("pairs", [90, 180])
def test_so_does_a_list_of_pairs(tmp_path: Path, pairs: int):
    names = [f"p{person}/{image}.png" for person in range(10) for image in range(4)]
    both = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    genuine = [pair for pair in both if pair[0][:2] == pair[1][:2]][: pairs // 2]
    lines = [f"{a},{b},1" for a, b in genuine]
    lines += [f"{a},{b},0" for a, b in both if a[:2] != b[:2]][: len(lines)]
    (tmp_path / "pairs.csv").write_text("\n".join(["a,b,same", *lines]), encoding="utf-8")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert failed(f"csv={tmp_path / 'pairs.csv'}") == {}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_benchmark_fails_its_check_and_no_other(name: str):
    assert list(failed(name)) == [name]


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("opens", "opens", "its name is ''"),
        ("twice", "opens", "images of one name: p0/1.png"),
        (
            "crash",
            "opens",
            "benchmark 'crash' of facezoo-broken-benchmarks 1.0 cannot be opened: ",
        ),
        ("evaluates", "evaluates", "the embeddings are changed in place"),
        ("bare", "evaluates", "evaluate gives a dict, not a Result"),
        ("function", "function", "the same embeddings have other figures: "),
        ("remembering", "function", "the same embeddings have other figures: "),
        ("sensitive", "sensitive", "whatever the embeddings, the figures are "),
        ("main_figure", "main_figure", "better is 'up', not 'higher' or 'lower'"),
        ("undefined", "main_figure", "the main figure 'rank-1' is None"),
        ("headless", "main_figure", "KeyError: 'rank-5'"),
        ("missing", "weights_of_one", "there are no replicates of the main figure 'rank-1'"),
        ("replicates", "replicates", "rank-1: a draw gives "),
        ("halved", "replicates", "rank-1: float32, not float64"),
        ("table", "table", "KeyError: 'rank-1'"),
        ("curves", "curves", "CMC: x falls"),
        ("worst", "worst", "3 comparisons, and 2 were asked for"),
    ],
)
def test_a_failure_says_what(name: str, check: str, said: str):
    assert failed(name, check)[check].startswith(said)


def test_replicates_that_are_of_another_figure_are_found():
    assert (
        " with all weights 1, and the figure is "
        in failed("weights_of_one", "weights_of_one")["weights_of_one"]
    )


def test_what_is_not_there_is_an_error():
    with pytest.raises(FacezooError, match="unknown benchmark 'plian'; did you mean 'plain'"):
        checks("benchmark", "plian=somewhere")
