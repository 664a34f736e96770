"""`facezoo import-weights`: published weights as a folder that a run can start from."""

from __future__ import annotations

from pathlib import Path

import click

from facezoo_cli.output import say


@click.command("import-weights")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to write; else FILE without .pth.",
)
@click.option("--backbone", metavar="NAME", help="What the weights are of; else told by names and shapes.")
def command(file: Path, out: Path | None, backbone: str | None) -> None:
    """Turn an insightface .pth into a folder for --init-from.

    FILE is a state dict of IResNet-18/34/50/100 or MobileFaceNet. It is read with torch.load's
    weights_only=True, which runs no code of the file. Names and shapes are checked one by one.
    """
    from facezoo.training.importing import import_weights

    folder = out or file.with_suffix("")
    if folder == file:
        folder = file.with_name(f"{file.name}-weights")
    imported = import_weights(file, folder, backbone)
    count = sum(tensor.numel() for tensor in imported.tensors.values() if tensor.is_floating_point())
    say(
        f"{imported.backbone}, {imported.dim} dimensions, {imported.size} x {imported.size} pixels: "
        f"{len(imported.tensors):,} tensors, {count / 1e6:.1f} M values"
    )
    say(f"weights: {folder}")
