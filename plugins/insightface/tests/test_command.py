"""`facezoo import-weights`: what it says, and where it writes."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from support.insightface import mobilefacenet_layout, publish, state_of


def test_the_folder_is_named_after_the_file(tmp_path: Path, invoke):
    published = publish(state_of(mobilefacenet_layout()), tmp_path / "mbf.pth")
    result = invoke("import-weights", str(published))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("mobilefacenet, 512 dimensions, 112 x 112 pixels: ")
    assert result.stdout.splitlines()[1:] == [
        "input: RGB, minus 127.5, divided by 127.5 (else: --colour, --mean, --std)",
        f"weights: {tmp_path / 'mbf'}",
    ]
    assert json.loads((tmp_path / "mbf" / "checkpoint.json").read_text())["step"] == 0
    again = invoke("import-weights", str(published))
    assert again.exit_code == 2
    assert "mbf: exists already" in again.stderr


def test_another_input_is_written_into_the_contract(tmp_path: Path, invoke):
    state = {f"features.module.{name}": x for name, x in state_of(mobilefacenet_layout(dim=64)).items()}
    publish({"state_dict": state | {"fc.weight": torch.zeros(300, 64)}}, tmp_path / "a.pth")
    for option, text in (("--mean", "1,2"), ("--std", "half"), ("--mean", ""), ("--mean", "0.5")):
        refused = invoke("import-weights", str(tmp_path / "a.pth"), option, text)
        assert (refused.exit_code, (tmp_path / "a").exists()) == (2, False)
        assert "Hint: " in refused.stderr
    options = ["--colour", "BGR", "--mean", "0,1,2", "--std", "255"]
    said = json.loads(
        invoke(
            "import-weights", str(tmp_path / "a.pth"), *options, "-o", str(tmp_path / "b"), "--json"
        ).stdout
    )
    assert (said["weights"], said["dim"], said["left_out"]) == (str(tmp_path / "b"), 64, ["fc.weight"])
    assert (said["colour"], said["mean"], said["std"]) == ("BGR", [0, 1, 2], 255)
    result = invoke("import-weights", str(tmp_path / "a.pth"), *options)
    assert result.exit_code == 0, result.output
    assert "left out: fc.weight, of a classifier beside the backbone" in result.stdout
    contract = json.loads((tmp_path / "a" / "checkpoint.json").read_text())["preprocessing"]
    assert (contract["colour"], contract["mean"], contract["std"]) == ("BGR", [0.0, 1.0, 2.0], [255.0] * 3)
