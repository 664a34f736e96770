"""A plugin of pytest that notes which tests run which lines, and how long each test takes.

    COVERING=FOLDER python -m pytest -p covering ...

A fixture that several tests share counts for every test of its file. Each process writes files of its own.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest
from places import PACKAGES

FOLDER = Path(os.environ["COVERING"])
SECONDS: dict[str, float] = {}

# at import, before anything imports what is to be watched
measured = coverage.Coverage(
    str(FOLDER / "coverage"), data_suffix=True, config_file=False, source_pkgs=PACKAGES, messages=False
)
measured.start()
measured.switch_context("import")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    measured.switch_context(item.nodeid)
    before, failed = time.process_time(), item.session.testsfailed
    result = yield
    if item.session.testsfailed == failed:  # one that fails anyway would seem to notice everything
        SECONDS[item.nodeid] = time.process_time() - before
    measured.switch_context("import")
    return result


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Iterator[None]:
    if fixturedef.scope == "function":
        return (yield)
    measured.switch_context(request.node.nodeid)
    result = yield
    measured.switch_context(request._pyfuncitem.nodeid)
    return result


def pytest_sessionfinish() -> None:
    measured.stop()
    measured.saver.save()
    (FOLDER / f"seconds-{os.getpid()}.json").write_text(json.dumps(SECONDS), encoding="utf-8")
