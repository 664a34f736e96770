"""`facezoo embed RUN PATH -o E.npz`: embeddings of every image in a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from facezoo.errors import FacezooError
from facezoo_cli.completing import SOURCE
from facezoo_cli.options import FILE, as_json, count, model, out
from facezoo_cli.output import say, say_json
from facezoo_cli.stopping import interruptible


@click.command("embed")
@model(behind="path")
@click.argument("path", required=False, type=SOURCE, metavar="SRC")
@out("FILE", "Write the embeddings to FILE, an .npz.", required=True)
@click.option("--flip/--no-flip", default=None, help="Add the mirror image's embedding; as the run did.")
@count("--batch-size", "Embed N images per forward pass; as many as the run did if not given.")
@click.option("--left-out", type=FILE, metavar="FILE", help="Write what was left out, one line per file.")
@as_json("Print what was embedded and left out, as one object.")
def command(
    run: Path,
    path: str | None,
    out: Path,
    flip: bool | None,
    batch_size: int | None,
    left_out: Path | None,
    as_json: bool,
) -> None:
    """Embed every image below a folder into a file.

    SRC is a folder, or another source of images; they are read batch by batch. Interrupted, the same command
    goes on where it was. FILE holds `path` (relative to SRC) and `embedding`, not normalised; `facezoo
    evaluate --embeddings` reads it.
    """
    if path is None:
        raise FacezooError("embed: which images?", "Say RUN SRC: a folder, or another source of images.")
    with interruptible(lambda: "Interrupted. The same command goes on."):
        from facezoo.data.faces import told
        from facezoo.data.opening import open_all
        from facezoo.disk.durable import write_text
        from facezoo.runs.directory import writing
        from facezoo.runs.network import open_network
        from facezoo_embed.embed_folder import embed_images

        network, images = open_network(run), open_all(path)
        flip = network.evaluate.flip if flip is None else flip
        batch_size = batch_size or network.evaluate.batch_size
        found = embed_images(network, images, out, flip=flip, batch_size=batch_size, progress=_progress())
    if left_out is not None:
        with writing(left_out, "Choose another place for what was left out (--left-out)."):
            write_text(left_out, "".join(f"{item}\n" for item in found.left_out))
    if as_json:
        about = {"out": str(out), "images": found.images, "checkpoint": str(network.checkpoint), "flip": flip}
        say_json({**about, "left_out": list(map(str, found.left_out))})
        return
    mirrored = "with" if flip else "without"
    say(f"{out}: {found.images:,} embeddings, {mirrored} mirror images, by {network.checkpoint}")
    if found.left_out:
        say(f"left out: {len(found.left_out):,} files or folders")
        say("\n".join(told(found.left_out, "--left-out FILE lists all")))


def _progress() -> Callable[[int, int], None]:
    """Progress on stderr: a line that counts up on a terminal, elsewhere one that says where it goes on."""
    terminal = sys.stderr.isatty()
    first = True

    def show(done: int, total: int) -> None:
        nonlocal first
        if first and done:
            say(f"going on after {done:,} of {total:,} images", err=True)
        first = False
        if terminal:
            say(f"{done:,} of {total:,} images", mark="\r", err=True, nl=done == total)

    return show
