"""Published weights: read safely, checked name by name, and written as a folder that a run can start from."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from facezoo import FacezooError
from facezoo.backbones import build_backbone
from facezoo.data import Preprocessing
from facezoo.training.checkpoint import read_metadata, read_part
from facezoo.training.importing import import_weights, read_state, recognise
from support.insightface import DEPTHS, iresnet_layout, mobilefacenet_layout, publish, state_of


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A .pth with insightface's names, shapes and dimensions of its MobileFaceNet."""
    return publish(state_of(mobilefacenet_layout()), tmp_path / "mbf.pth")


def test_weights_become_a_folder_like_a_checkpoint(published: Path, tmp_path: Path):
    out = tmp_path / "weights" / "mbf"
    imported = import_weights(published, out)
    assert (imported.backbone, imported.dim, imported.size) == ("mobilefacenet", 512, 112)
    assert sorted(path.name for path in out.iterdir()) == ["checkpoint.json", "model.safetensors"]
    about = read_metadata(out)
    assert (about["backbone"]["name"], about["backbone"]["dim"]) == ("mobilefacenet", 512)
    assert about["backbone"]["distribution"] == "facezoo"
    contract = Preprocessing.from_dict(about["preprocessing"], "there")
    assert contract == Preprocessing(112, "insightface 5-point template")
    assert about["imported"]["file"] == "mbf.pth"
    assert len(about["imported"]["sha256"]) == 64
    assert [path.name for path in out.parent.iterdir()] == ["mbf"]

    expected = state_of(mobilefacenet_layout())
    tensors = read_part(out, "model")
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)
    build_backbone("mobilefacenet", 512, 112).load_state_dict(load_file(out / "model.safetensors"))


@pytest.mark.parametrize("name", DEPTHS)
def test_every_depth_is_recognised(name: str):
    with torch.device("meta"):
        state = state_of(iresnet_layout(DEPTHS[name], dim=256))
    finite = {key: torch.zeros(()).expand(tensor.shape) for key, tensor in state.items()}
    imported = recognise(finite, "there")
    assert (imported.backbone, imported.dim, imported.size) == (name, 256, 112)


@pytest.mark.parametrize("wrapper", ["state_dict_backbone", "state_dict"])
def test_what_training_wraps_around_the_tensors_is_taken_off(tmp_path: Path, wrapper: str):
    state = {f"module.{name}": tensor.half() for name, tensor in state_of(mobilefacenet_layout()).items()}
    publish({"epoch": 3, wrapper: state}, tmp_path / "a.pt")
    read = read_state(tmp_path / "a.pt")
    assert read.keys() == mobilefacenet_layout().keys()
    assert {tensor.dtype for tensor in read.values() if tensor.is_floating_point()} == {torch.float32}


def test_counters_that_older_files_lack_are_put_in(tmp_path: Path):
    state = {name: x for name, x in state_of(mobilefacenet_layout()).items() if "num_batches" not in name}
    imported = recognise(state, "there")
    assert imported.tensors.keys() == mobilefacenet_layout().keys()
    assert int(imported.tensors["conv_sep.layers.1.num_batches_tracked"]) == 0


def changed(name: str, tensor: Tensor | None) -> dict[str, Tensor]:
    state = state_of(mobilefacenet_layout())
    del state[name]
    return state if tensor is None else state | {name: tensor}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            changed("layers.3.layers.0.layers.0.layers.0.weight", None),
            "there: does not fit mobilefacenet (dim 512, size 112): 1 missing: layers.3.layers.0.layers.0",
        ),
        (
            state_of(mobilefacenet_layout()) | {"head.weight": torch.zeros(3)},
            "1 unknown: head.weight",
        ),
        (
            changed("conv_sep.layers.0.weight", torch.zeros(512, 128, 1, 1)),
            "1 of another shape: conv_sep.layers.0.weight ([512, 128, 1, 1] there, [512, 256, 1, 1] in",
        ),
        (
            changed("features.layers.2.weight", torch.full((512, 512), torch.nan)),
            "layers.2.weight is not finite",
        ),
        ({"a": torch.zeros(1)}, "missing: "),
    ],
)
def test_what_does_not_fit_is_named(state: dict[str, Tensor], message: str):
    with pytest.raises(FacezooError) as error:
        recognise(state, "there")
    assert message in error.value.message


def test_a_backbone_may_be_named(published: Path, tmp_path: Path):
    with pytest.raises(FacezooError, match=r"does not fit iresnet18 .* missing: .* unknown: "):
        import_weights(published, tmp_path / "out", "iresnet18")
    assert not (tmp_path / "out").exists()
    with pytest.raises(FacezooError, match="unknown backbone 'mobilfacenet'; did you mean 'mobilefacenet'"):
        import_weights(published, tmp_path / "out", "mobilfacenet")


class Dangerous:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('the file ran code')",)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path):
    publish({"conv1.weight": Dangerous()}, tmp_path / "evil.pth")
    with pytest.raises(FacezooError, match=r"evil\.pth: not a file of weights that can be read safely"):
        read_state(tmp_path / "evil.pth")


def test_files_that_are_none(published: Path, tmp_path: Path):
    other = tmp_path / "other.pth"
    with pytest.raises(FacezooError, match="cannot be read"):
        read_state(other)
    for content in (b"", b"text", published.read_bytes()[:1000]):
        other.write_bytes(content)
        with pytest.raises(FacezooError, match="not a file of weights"):
            read_state(other)
    for value in ([torch.zeros(1)], {}, {"a": 1}, {1: torch.zeros(1)}):
        publish(value, other)
        with pytest.raises(FacezooError, match="not tensors by name"):
            read_state(other)
    assert zipfile.is_zipfile(other)
