"""What all tests have in common: one thread, signals as in a terminal, how far hypothesis searches; and
fixtures that install distributions and run commands, for tests of the core and of plug-ins alike.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from support.distributions import Distribution

if TYPE_CHECKING:
    from click.testing import Result

Installer = Callable[[Distribution], Path]

# Tests multiply small matrices: threads would only wait for each other, and several processes run beside one
# another. Read by torch and numpy when they are imported, here and in every child.
os.environ["OMP_NUM_THREADS"] = "1"

# Neither profile looks at the clock, and "test" tries the same examples everywhere. An option of the command
# line, `--hypothesis-profile`, is read after this.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("test", unhurried, derandomize=True, database=None, max_examples=60)
settings.register_profile("soak", unhurried, max_examples=5000, print_blob=True)
settings.load_profile("test")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A run that sets `train.threads` sets it for its whole process: taken back after the test."""
    yield
    if (torch := sys.modules.get("torch")) and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def heard_signals() -> Iterator[None]:
    """A script's job in the background starts with SIGINT ignored, and `nohup` ignores SIGHUP. Children would
    inherit that, and the tests that send these signals would wait for nothing.
    """
    heard = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    ignored = [number for number in heard if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, heard[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session", autouse=True)
def no_curves() -> Iterator[None]:
    """No run of these tests writes for TensorBoard; the tests of plugins/tensorboard switch it on again."""
    with pytest.MonkeyPatch.context() as patch:
        named = ["facezoo-tensorboard:tensorboard", *filter(None, [os.environ.get("FACEZOO_DISABLE")])]
        patch.setenv("FACEZOO_DISABLE", ",".join(named))
        yield


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installer:
    """Lay a distribution out once a session, as an installer does; gives the folder to put on the path."""
    root = tmp_path_factory.mktemp("distributions")
    sites: dict[str, Path] = {}

    def get(dist: Distribution) -> Path:
        if dist.name not in sites:
            sites[dist.name] = dist.lay_out(root / dist.name)
        return sites[dist.name]

    return get


@pytest.fixture
def with_installed(installed: Installer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put installed distributions in front of this process's path until the test ends; then forget them."""

    def use(*dists: Distribution) -> None:
        for dist in reversed(dists):
            monkeypatch.syspath_prepend(str(installed(dist)))

    yield use
    for name in [name for name in sys.modules if name.startswith("fixture_")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of identity folders with `pairs.csv` in it, one per file of tests."""
    from support.faces import identity_folder, pairs_csv  # with NumPy, which reads how many threads it has

    root = identity_folder(tmp_path_factory.mktemp("faces"))
    pairs_csv(root)
    return root


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Run `facezoo` with arguments in this process; the result has `exit_code`, `stdout` and `stderr`."""
    from click.testing import CliRunner

    from facezoo_cli.main import cli

    return lambda *args: CliRunner().invoke(cli, list(args), prog_name="facezoo")
