"""One process trains in a run directory; others are told, and a killed one leaves no trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from facezoo import FacezooError
from facezoo.disk.remains import unused_name
from facezoo.runs.claim import ClaimedError, claim

HOLD = """
import sys
from pathlib import Path
from facezoo.runs.claim import claim
with claim(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path):
    """Another process that has the claim on `tmp_path`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_claim_keeps_others_out_until_its_process_is_dead(tmp_path: Path, other: subprocess.Popen[str]):
    with pytest.raises(ClaimedError, match="another process is training there"), claim(tmp_path):
        pass
    other.kill()
    other.wait()
    for _ in range(2):
        with claim(tmp_path):
            pass


def test_it_ends_with_an_error_too(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), claim(tmp_path):
        raise ZeroDivisionError
    with claim(tmp_path):
        pass


def test_a_directory_that_cannot_be_locked_is_a_clear_error(tmp_path: Path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(FacezooError, match="cannot be claimed for training"), claim(file):
        pass


def test_what_a_killed_process_left_half_made_goes(tmp_path: Path, other: subprocess.Popen[str]):
    half_made = unused_name(tmp_path)
    half_made.write_text("half of evaluation.json")
    (tmp_path / ".evaluation.json.tmp").touch()  # whose, nobody knows
    with pytest.raises(ClaimedError), claim(tmp_path):
        pass
    assert half_made.exists()
    other.kill()
    other.wait()
    with claim(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".evaluation.json.tmp", ".lock"]
