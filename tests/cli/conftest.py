"""The command line in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from facezoo_cli.main import cli


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Run `facezoo` with arguments; the result has `exit_code`, `stdout` and `stderr`."""
    return lambda *args: CliRunner().invoke(cli, list(args), prog_name="facezoo")
