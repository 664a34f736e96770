"""What the author of a head does outside the checkout, with nothing but facezoo's wheel installed."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from support.faces import identity_folder, pairs_csv

SMALL = [
    "data.size=32",
    "backbone.dim=16",
    "train.batch_size=4",
    "train.epochs=1",
    "train.device=cpu",
    "train.threads=1",
]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path}: {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_from_a_name_to_a_checkpoint_that_outlives_its_head(bare, tmp_path: Path):
    def facezoo(*args: str) -> str:
        done = bare.facezoo(*args, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(*args: str) -> str:
        done = bare.facezoo(*args, cwd=tmp_path)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "No head is installed" in facezoo("list-heads")

    *_, install, check, train = map(shlex.split, facezoo("new-head", "mine").splitlines())
    source = tmp_path / "facezoo-mine"
    edit(source / "src/facezoo_mine/head.py", "scores.target - self.margin", "scores.target**3 - self.margin")
    edit(source / "tests/test_mine.py", "(cos - margin)", "(cos**3 - margin)")
    edit(source / "pyproject.toml", "an additive margin on the target cosine", "a cubed cosine")

    assert install[:2] == ["pip", "install"]
    bare.pip(*install[1:], cwd=tmp_path)
    listed = [line.split(maxsplit=4) for line in facezoo("list-heads").splitlines()]
    assert listed[1:] == [["mine", "ok", "facezoo-mine", "0.1.0", "Mine: a cubed cosine"]]
    checked = facezoo(*check[1:])
    assert "passed" in checked.splitlines()[-1]
    assert "failed" not in checked
    pytest_run = [str(bare.python), "-I", "-m", "pytest", "-q", str(source)]
    done = subprocess.run(pytest_run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout

    pairs = pairs_csv(identity_folder(tmp_path / "faces"))
    sets = [word for setting in SMALL for word in ("--set", setting)]
    data = ["--data", "faces", "--pairs", str(pairs)]
    facezoo(*train[1:], "--preset", "small", *data, *sets, "--out", "run")
    (checkpoint,) = Path(tmp_path, "run", "checkpoints").glob("step-*")
    figures = facezoo("evaluate", "run", "--replicates", "5").splitlines()

    bare.pip("uninstall", "--yes", "facezoo-mine")
    assert "No head is installed" in facezoo("list-heads")
    missing = "its head 'mine' came with facezoo-mine 0.1.0, and is not installed for Python "
    for args in (
        ["train", "--resume", "run"],
        ["evaluate", "run", "--protocol", "uniform", "--data", "faces"],
    ):
        said = refused(*args)
        assert said.startswith(f"Error: run/checkpoints/{checkpoint.name}: {missing}")
        assert str(bare.python) in said
    said = refused(*train[1:], *data)
    assert said.startswith("Error: unknown head 'mine'\nHint: No head is installed for Python ")
    assert str(bare.python) in said

    assert "head          mine of facezoo-mine 0.1.0, revision 1, preset small" in facezoo(
        "show-checkpoint", "run"
    )
    *same, last = facezoo("evaluate", "run", "--replicates", "5").splitlines()
    assert same == figures
    assert missing in last

    bare.pip("install", str(source))
    assert "resumed at step" in facezoo("train", "--resume", "run")
