"""`facezoo import-weights`: what it says, and where it writes."""

from __future__ import annotations

import json
from pathlib import Path

from support.insightface import mobilefacenet_layout, publish, state_of


def test_the_folder_is_named_after_the_file(tmp_path: Path, invoke):
    published = publish(state_of(mobilefacenet_layout()), tmp_path / "mbf.pth")
    result = invoke("import-weights", str(published))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("mobilefacenet, 512 dimensions, 112 x 112 pixels: ")
    assert result.stdout.splitlines()[1] == f"weights: {tmp_path / 'mbf'}"
    assert json.loads((tmp_path / "mbf" / "checkpoint.json").read_text())["step"] == 0
    again = invoke("import-weights", str(published))
    assert again.exit_code == 2
    assert "mbf: exists already" in again.stderr
