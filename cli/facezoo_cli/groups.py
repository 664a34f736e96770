"""Groups of commands that are facezoo's own and hold none: each sub-command comes with a distribution."""

from __future__ import annotations

import click


@click.group("data")
def data() -> None:
    """Look at sets of images, convert them or make them."""
