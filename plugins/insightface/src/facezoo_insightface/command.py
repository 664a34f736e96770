"""`facezoo import-weights`: published weights as a folder that a run can start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from facezoo.errors import FacezooError
from facezoo_cli.options import FILE, PATH, as_json, out
from facezoo_cli.output import say, say_json

if TYPE_CHECKING:
    from facezoo.data.preprocessing import Channels


@click.command("import-weights")
@click.argument("file", type=FILE)
@out("FOLDER", "Write the weights into FOLDER, which is made; FILE without .pth if not given.", type=PATH)
@click.option("--backbone", metavar="NAME", help="Name the backbone; told by the weights if not given.")
@click.option(
    "--colour",
    type=click.Choice(["rgb", "bgr"], case_sensitive=False),
    default="rgb",
    show_default=True,
    help="Say the order of channels that the weights were trained with.",
)
@click.option(
    "--mean",
    default="127.5",
    show_default=True,
    metavar="X[,X,X]",
    help="Say what was subtracted from pixels of 0 to 255; three in the order of --colour.",
)
@click.option(
    "--std",
    default="127.5",
    show_default=True,
    metavar="X[,X,X]",
    help="Say what they were divided by.",
)
@as_json("Print what was imported as one object.")
def command(
    file: Path, out: Path | None, backbone: str | None, colour: str, mean: str, std: str, as_json: bool
) -> None:
    """Turn an insightface .pth into a folder for --init-from.

    FILE is a state dict of IResNet-18/34/50/100 or MobileFaceNet. It is read with torch.load's
    weights_only=True, which runs no code of the file. Names and shapes are checked one by one; a classifier
    beside the backbone is left out. Weights of pixels / 255 were trained with --mean 0 --std 255.
    """
    from facezoo_insightface.importing import import_weights

    folder = out or file.with_suffix("")
    if folder == file:
        folder = file.with_name(f"{file.name}-weights")
    order: Literal["RGB", "BGR"] = "BGR" if colour == "bgr" else "RGB"
    means, deviations = _channels("--mean", mean), _channels("--std", std)
    imported = import_weights(file, folder, backbone, colour=order, mean=means, std=deviations)
    count = sum(tensor.numel() for tensor in imported.tensors.values() if tensor.is_floating_point())
    if as_json:
        about = {name: getattr(imported, name) for name in ("backbone", "dim", "size", "left_out")}
        inputs = {"colour": order, "mean": means, "std": deviations}
        say_json(
            {"weights": str(folder), **about, **inputs, "tensors": len(imported.tensors), "values": count}
        )
        return
    say(
        f"{imported.backbone}, {imported.dim} dimensions, {imported.size} x {imported.size} pixels: "
        f"{len(imported.tensors):,} tensors, {count / 1e6:.1f} M values"
    )
    if imported.left_out:
        say(f"left out: {_named(imported.left_out)}, of a classifier beside the backbone")
    say(f"input: {order}, minus {mean}, divided by {std} (else: --colour, --mean, --std)")
    say(f"weights: {folder}")


def _channels(option: str, text: str) -> Channels:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 3:
        return (numbers[0], numbers[1], numbers[2])
    if len(numbers) != 1:
        raise FacezooError(f"{option} {text!r}: not one number or three", f"Say {option} 127.5, for example.")
    return numbers[0]


def _named(names: tuple[str, ...]) -> str:
    from facezoo._words import printable

    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return printable(", ".join(names[:3])) + more
