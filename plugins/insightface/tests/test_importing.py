"""Published weights: read safely, checked name by name, and written as a folder that a run can start from."""

from __future__ import annotations

import os
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from facezoo import FacezooError
from facezoo.backbones import build_backbone
from facezoo.data import Preprocessing
from facezoo.runs.network import open_network
from facezoo.runs.verified import read_metadata, read_part
from facezoo_insightface.importing import import_weights, read_state
from facezoo_insightface.recognising import recognise
from support.insightface import DEPTHS, Layout, iresnet_layout, mobilefacenet_layout, publish, state_of


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


@pytest.mark.parametrize("wrapper", ["state_dict_backbone", "state_dict", "model"])
def test_what_training_wraps_around_the_tensors_is_taken_off(tmp_path: Path, wrapper: str):
    state = {f"module.{name}": tensor.half() for name, tensor in state_of(mobilefacenet_layout()).items()}
    publish({"epoch": 3, wrapper: state}, tmp_path / "a.pt")
    read = read_state(tmp_path / "a.pt")
    assert read.keys() == state.keys()
    assert {tensor.dtype for tensor in read.values() if tensor.is_floating_point()} == {torch.float32}
    assert recognise(read, "there").tensors.keys() == mobilefacenet_layout().keys()


PREFIXES = ["module.", "_orig_mod.", "model.", "backbone.", "features.module.", "_orig_mod.module.model.", ""]


@pytest.mark.parametrize(
    "layout", [mobilefacenet_layout(dim=64), iresnet_layout(DEPTHS["iresnet18"], dim=64)]
)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_that_training_puts_before_the_names_are_taken_off(prefix: str, layout: Layout):
    with torch.device("meta"):
        state = state_of(layout)
    finite = {f"{prefix}{name}": torch.zeros(()).expand(x.shape) for name, x in state.items()}
    imported = recognise(finite, "there")
    assert (imported.tensors.keys(), imported.dim, imported.left_out) == (layout.keys(), 64, ())


@pytest.mark.parametrize(
    ("prefix", "beside"),
    [
        ("features.module.", {"fc.weight": (300, 64)}),
        ("module.features.module.", {"module.fc.weight": (300, 64), "module.fc.bias": (300,)}),
        ("", {"kernel": (64, 300)}),
        ("model.", {"head.kernel": (64, 300), "head.t": (1,), "head.batch_mean": (1,)}),
        ("backbone.", {"classifier.weight": (300, 64)}),
    ],
)
def test_a_classifier_beside_the_backbone_is_left_out_and_said(prefix: str, beside: dict):
    state = {f"{prefix}{name}": tensor for name, tensor in state_of(mobilefacenet_layout(dim=64)).items()}
    imported = recognise(state | {name: torch.zeros(shape) for name, shape in beside.items()}, "there")
    assert (imported.backbone, imported.dim, imported.size) == ("mobilefacenet", 64, 112)
    assert imported.left_out == tuple(beside)
    assert imported.tensors.keys() == mobilefacenet_layout().keys()


@pytest.mark.parametrize(
    "beside",
    [{"fc.weight": (300, 65)}, {"fc.weight": (64,)}, {"other": (300, 64)}, {"ema.conv1.weight": (1,)}],
)
def test_what_is_no_classifier_is_not_left_out(beside: dict):
    state = {f"backbone.{name}": tensor for name, tensor in state_of(mobilefacenet_layout(dim=64)).items()}
    with pytest.raises(FacezooError, match=f"1 unknown: {next(iter(beside))}"):
        recognise(state | {name: torch.zeros(shape) for name, shape in beside.items()}, "there")


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
    with pytest.raises(
        FacezooError, match=r"evil\.pth: holds more than tensors \(exec\), which is not loaded"
    ):
        read_state(tmp_path / "evil.pth")


def scripted(path: Path) -> None:
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), str(path))


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("word/document.xml", "text")


def bomb(path: Path) -> None:
    publish({"a": torch.zeros(100_000)}, path)
    with zipfile.ZipFile(path) as file:
        content = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)


def half(path: Path) -> None:
    publish({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2500])


def of_bytes(content: bytes):
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (of_bytes(b""), "is empty"),
        (of_bytes(b"\n <!DOCTYPE html><html><title>Quota exceeded</title></html>"), "is a page of the web"),
        (of_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), "is a pointer of Git LFS"),
        (of_bytes(b"\x08\x06\x12\x07pytorch\x1a\x053.0.0"), "is an ONNX model"),
        (of_bytes(b"\x1f\x8b\x08\x00"), "is packed by gzip"),
        (of_bytes(b"\x12\x01" + bytes(6) + b"\x01"), "is parameters of MXNet"),
        (of_bytes(b"\x89HDF\r\n"), "is weights of Keras"),
        (of_bytes(b'{"error": "not found"}'), "is JSON, not weights"),
        (of_bytes(b"text"), "not a file of weights that can be read safely"),
        (of_bytes(b"\x80\x02" + bytes(50)), "not a file of weights that can be read safely"),
        (
            of_bytes(b"\x40" + bytes(7) + b'{"a": {"dtype": "F32"'),
            "looks like safetensors, and cannot be read",
        ),
        (half, "is cut short or damaged"),
        (a_zip, "is a zip archive that torch.save did not write"),
        (scripted, "is a TorchScript program"),
        (bomb, "declares more than it holds"),
        (os.mkfifo, "cannot be read \\(not a regular file"),
        (Path.mkdir, "cannot be read \\(not a regular file but a folder"),
        (lambda path: None, "cannot be read \\(No such file or directory"),
        (lambda path: publish([torch.zeros(1)], path), "holds a list, not tensors by name"),
        (lambda path: publish({}, path), "not tensors by name"),
        (lambda path: publish({"a": 1}, path), "not tensors by name"),
        (lambda path: publish({1: torch.zeros(1)}, path), "not tensors by name"),
        (lambda path: publish({"a": torch.zeros(1).expand(10**9, 10**9)}, path), "a is not a plain tensor"),
        (lambda path: publish({"a": torch.eye(3).to_sparse()}, path), "a is not a plain tensor"),
        (lambda path: publish({"a": torch.zeros(1, dtype=torch.complex64)}, path), "a is not a plain tensor"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*[Ss]parse")
def test_what_is_no_state_dict_is_called_what_it_is(tmp_path: Path, make, message: str):
    make(tmp_path / "a.pth")
    with pytest.raises(FacezooError, match=message) as error:
        import_weights(tmp_path / "a.pth", tmp_path / "deep" / "out")
    assert error.value.hint
    assert "weights_only" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] in ([], ["a.pth"]), "nothing else is left"


def test_safetensors_are_weights_as_well(tmp_path: Path):
    save_file(state_of(mobilefacenet_layout(dim=64)), tmp_path / "a.pth")
    assert import_weights(tmp_path / "a.pth", tmp_path / "out").dim == 64


def test_a_contract_of_other_colours_is_written_and_kept(tmp_path: Path):
    publish(state_of(mobilefacenet_layout(dim=64)), tmp_path / "a.pth")
    options = {"colour": "BGR", "mean": (104.0, 117.0, 123.0), "std": 255.0}
    import_weights(tmp_path / "a.pth", tmp_path / "out", **options)
    about = read_metadata(tmp_path / "out")
    assert about["preprocessing"]["mean"] == [104.0, 117.0, 123.0]
    assert about["preprocessing"]["std"] == [255.0] * 3
    assert open_network(tmp_path / "out").preprocessing == Preprocessing(
        112, "insightface 5-point template", **options
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": 0.5, "std": 0.5}, "look like those of pixels from 0 to 1"),
        (
            {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
            "look like those of pixels from 0 to 1",
        ),
        ({"std": 0.0}, "std must be above 0"),
        ({"mean": float("nan")}, "both finite"),
    ],
)
def test_a_contract_in_other_units_is_refused(published: Path, tmp_path: Path, options: dict, message: str):
    with pytest.raises(FacezooError, match=message):
        import_weights(published, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_what_is_there_already_stays(published: Path, tmp_path: Path):
    (tmp_path / ".out.tmp").mkdir()
    (tmp_path / ".out.tmp" / "precious").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    import_weights(published, tmp_path / "out")
    assert (tmp_path / ".out.tmp" / "precious").exists()
    for place in ("out", "link"):
        with pytest.raises(FacezooError, match="exists already"):
            import_weights(published, tmp_path / place)


@pytest.mark.soak
@pytest.mark.slow
@given(changes=st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 255)), min_size=1, max_size=5))
def test_no_damage_to_a_file_of_weights_is_more_than_an_error(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "fuzzed.pth"
    content = bytearray(publish({"fc.weight": torch.ones(3, 2), "a.b": torch.zeros(2)}, path).read_bytes())
    for where, value in changes:
        content[where % len(content)] = value
    path.write_bytes(content)
    with suppress(FacezooError):
        read_state(path)
