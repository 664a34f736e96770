"""What facezoo's own commands are for, one line each, so that `facezoo --help` imports none of them."""

from __future__ import annotations

from typing import Final

LINES: Final = {
    "train": "Train a head on a folder of faces and verify it.",
    "evaluate": "Evaluate a run, or embeddings from anywhere, with intervals.",
    "threshold": "Choose the threshold for a false accept rate, with its interval.",
    "data": "Look at sets of images, convert them or make them.",
    "list": "List what is installed: heads, backbones, commands and more.",
    "list-heads": "List the heads that are installed.",
    "show-head": "Show a head's settings, presets and source.",
    "show-checkpoint": "Show where a checkpoint comes from and what its weights expect.",
    "doctor": "Call everything and report what is broken.",
    "completion": "Print what makes a shell complete commands, heads, presets and runs.",
}
"""Entry point -> the first line of its help (a test compares them), in the order of `facezoo --help`."""
