"""`facezoo show-checkpoint DIR`: where weights come from and what they expect. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from facezoo_cli.options import as_json, model
from facezoo_cli.output import say, say_json


@click.command("show-checkpoint")
@model()
@as_json("Print all that is known, as one object.")
def command(run: Path, as_json: bool) -> None:
    """Show where a checkpoint comes from and what its weights expect.

    RUN is a run directory (its last checkpoint is shown), a checkpoint, or a folder of imported weights.
    """
    from facezoo.runs.places import find_checkpoint
    from facezoo.runs.verified import lacking, read_metadata, verify_files

    checkpoint = find_checkpoint(run)
    about = read_metadata(checkpoint)
    verified = verify_files(checkpoint, about)
    figures = _figures(checkpoint, about["step"])
    if as_json:
        say_json({"path": str(checkpoint), **about, "figures": figures, "verified": verified})
        return
    say(f"{checkpoint}: {about['step']:,} steps")
    for name, text in (*_provenance(about), *_files(about, lacking(about)), *_figure_lines(figures)):
        say(f"  {name:<14}{text}")


def _figures(checkpoint: Path, step: int) -> dict[str, Any]:
    """What the run that the checkpoint lies in wrote of this step: loss, verifications, evaluation."""
    from facezoo.runs.places import run_of
    from facezoo.runs.verified import best_checkpoint, read_evaluation
    from facezoo.runs.written import read_metrics

    run = run_of(checkpoint)
    if run is None:
        return {}
    figures: dict[str, Any] = {}
    for line in read_metrics(run):
        if line.get("step") == step and line.get("event") in {None, "epoch", "verification"}:
            key = "verification" if line.get("event") == "verification" else "loss"
            figures[key] = line.get(key)
            if key == "verification":
                figures["figure"] = line.get("figure", "accuracy")
    best = best_checkpoint(run)
    figures["best"] = bool(best and best["step"] == step)
    evaluation = read_evaluation(run)
    if evaluation and evaluation["step"] == step and evaluation["verification"]:
        figures |= {"pairs": evaluation["pairs"], "verification": evaluation["verification"]}
        figures["figure"] = evaluation.get("figure", "accuracy")
    return figures


def _provenance(about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and text of each fact; imported weights have fewer of them."""
    if head := about.get("head"):
        preset = f", preset {head['preset']}" if head["preset"] else ""
        source = f"{head['distribution']} {head['version']}, revision {head['revision']}"
        yield "head", f"{head['name']} of {source}{preset}"
    if imported := about.get("imported"):
        yield "imported from", f"{imported['file']}, SHA-256 {imported['sha256']}"
    backbone = about["backbone"]
    came = f" of {backbone['distribution']} {backbone['version']}" if "distribution" in backbone else ""
    yield "backbone", f"{backbone['name']}{came}, {backbone['dim']} dimensions"
    yield from _contract(about["preprocessing"])
    if data := about.get("data"):
        left_out = f", {data['left_out']:,} files left out" if data["left_out"] else ""
        yield "data", f"{data['images']:,} images of {data['identities']:,} identities{left_out}"
        yield "fingerprint", data["fingerprint"]
    if "seed" in about:
        yield "seed", str(about["seed"])
    if start := about.get("started_from"):
        yield "started from", f"{start['checkpoint']} ({start['step']:,} steps)"
    yield "versions", ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    if on := about.get("computed_on"):
        yield "computed on", f"{on['device']}, {on['threads']} threads, {on['precision']}"


def _files(about: Mapping[str, Any], lacks: str) -> Iterator[tuple[str, str]]:
    if "files" in about:
        count = len(about["files"])
        yield "files", f"{count} file{'s'[: count > 1]}, as written (SHA-256)"
    if lacks:
        yield "lacking", lacks


def _contract(contract: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    size, mean, std = contract["size"], contract["mean"], contract["std"]
    yield "input", f"{size} x {size} pixels, {contract['colour']}, minus {mean}, divided by {std}"
    yield "faces", f"alignment: {contract['alignment']}; crop: {contract['crop']}"
    yield "scaling", contract["scaling"]


def _figure_lines(figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if isinstance(figures.get("loss"), float):
        yield "loss", f"{figures['loss']:.4f}"
    name = figures.get("figure", "")
    value = (figures.get("verification") or {}).get(name)
    if isinstance(value, float):
        said = f"{100 * value:.2f} %" if name == "accuracy" else f"{value:.4g}"
        on = f" on {figures['pairs']}" if "pairs" in figures else ""
        yield "verification", f"{name} {said}{on}{', the best of the run' if figures['best'] else ''}"
