"""Output that nobody takes any more does not change how a command ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TextIO

import pytest

from facezoo_cli.stopping import let_go


@pytest.fixture
def unread() -> Iterator[TextIO]:
    """A stream into a pipe whose reader has gone, with something left to write."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        stream.write("unread")
        os.close(reader)
        yield stream


def test_what_cannot_be_printed_is_dropped(monkeypatch: pytest.MonkeyPatch, unread: TextIO):
    monkeypatch.setattr(sys, "stdout", unread)
    with pytest.raises(BrokenPipeError):
        unread.flush()
    let_go()
    unread.write("and more")
    unread.flush()


def test_a_command_without_output_ends_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", None)
    let_go()
