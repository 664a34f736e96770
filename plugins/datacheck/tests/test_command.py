"""`facezoo data check`: what it says, and how it ends."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

from support.faces import identity_folder


def test_the_command_says_what_was_found(tmp_path: Path, invoke):
    root = identity_folder(tmp_path / "faces")
    for number in range(5):
        shutil.copy(root / "person 0" / f"{number}.png", root / "person 1" / f"c{number}.png")
    (root / "person 3" / "0.png").write_bytes(b"")
    (root / "facezoo.toml").write_text('[preprocessing]\nalignment = "by hand"')
    result = invoke("data", "check", str(root))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{root}: 28 images of 4 identities",
        "declared: alignment by hand",
        "pixels: 32 x 32 (28)",
        "images per identity: 5 to 11, median 6",
        f"        5-9       3  {'#' * 40}",
        f"      10-19       1  {'#' * 14}",
        "cannot be read: 1",
        "  person 3/0.png: empty file",
        "not used: 0",
        "not square (an error in training unless data.fit=crop): 0",
        "groups of byte-identical images under different identities: 5",
        *(f"  person 0/{number}.png = person 1/c{number}.png" for number in range(5)),
        "groups of byte-identical images within an identity: 0",
        "to mend: 1 unreadable image; byte-identical images under 2 different identities",
    ]


def test_the_command_ends_with_0_where_all_is_well_and_2_on_errors(tmp_path: Path, invoke):
    root = str(identity_folder(tmp_path / "ein Ordner ü"))
    result = invoke("data", "check", root)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "usable: nothing needs mending")
    (tmp_path / "empty").mkdir()
    for args in ((str(tmp_path / "empty"),), ("nowhere",), (root, "--against", "nowhere")):
        result = invoke("data", "check", *args)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
    assert "Traceback" in invoke("data", "check", "nowhere", "--traceback").stderr


def test_json_has_everything(tmp_path: Path, invoke):
    root = identity_folder(tmp_path / "faces")
    for number in range(12):
        (root / "person 0" / f"broken {number}.png").touch()
    (tmp_path / "test").mkdir()
    shutil.copy(root / "person 1" / "0.png", tmp_path / "test" / "renamed.png")
    result = invoke("data", "check", str(root), "--against", str(tmp_path / "test"), "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert len(found["unreadable"]) == 12
    assert found["against"]["images_by_bytes"][0] == ["person 1/0.png", "renamed.png"]
    assert found["to_mend"][0] == "12 unreadable images"
    assert "and 7 more; --json lists all" in invoke("data", "check", str(root)).stdout


def test_what_is_printed_does_not_grow_with_the_data(tmp_path: Path, invoke):
    """Two pictures under all of the identities: a group's paths in one line once took megabytes."""
    root = identity_folder(tmp_path / "faces", identities=2, images=1, size=16)
    for copy in range(200):
        folder = root / f"copy {copy}"
        folder.mkdir()
        for image in range(2):
            (folder / f"{image}.png").hardlink_to(root / f"person {image}" / "0.png")
        (folder / "note.txt").touch()
        (folder / "._0.png").touch()
    lines = invoke("data", "check", str(root)).stdout.splitlines()
    assert len(lines) < 25
    assert max(map(len, lines)) < 200
    assert "  " + " = ".join(f"copy {n}/0.png" for n in (0, 1, 10, 100, 101)) + " and 196 more" in lines
    assert "  200 x hidden (a dot in front of its name), such as copy 0/._0.png" in lines
    found = json.loads(invoke("data", "check", str(root), "--json").stdout)
    assert [len(group) for group in found["identical_across_identities"]] == [201, 201]
    assert len(found["left_out"]) == 400


def test_pillow_s_words_on_metadata_are_not_passed_on(tmp_path: Path):
    root = identity_folder(tmp_path / "faces", images=1)
    for name, exif in (("cut", b"MM\0*\0\0\0\x08\0\x05\x01\x12"), ("empty", b"MM\0*\0\0\0\x08")):
        Image.new("RGB", (32, 32)).save(root / "person 0" / f"{name}.jpg", exif=b"Exif\0\0" + exif)
    done = subprocess.run(
        [sys.executable, "-W", "always", "-m", "facezoo_cli", "data", "check", str(root)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 images of 4 identities" in done.stdout


def test_it_needs_no_torch(tmp_path: Path):
    root = identity_folder(tmp_path / "faces")
    code = (
        "import sys; from facezoo_cli.main import cli; "
        f"cli.main(['data', 'check', {str(root)!r}], standalone_mode=False); "
        "sys.exit('torch was imported' if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
