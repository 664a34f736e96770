"""Work done ahead: in order, bounded, left at any time, and never what a process waits for at its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from facezoo.data.threads import Threads, computed_ahead
from support.patience import HANG


def test_results_come_in_turn_and_few_are_begun_ahead():
    begun: list[int] = []

    def square(number: int) -> int:
        begun.append(number)
        return number * number

    results = computed_ahead(square, range(20), ahead=2)
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    assert begun == list(range(len(begun)))
    assert len(begun) <= 7
    assert list(results) == [number * number for number in range(5, 20)]
    assert list(computed_ahead(square, [], ahead=2)) == []


def test_many_threads_keep_the_order():
    pool = Threads(4, "test")
    assert list(computed_ahead(str, range(200), ahead=9, pool=pool)) == [str(n) for n in range(200)]
    pool.close()


def test_an_error_comes_at_its_turn():
    results = computed_ahead(lambda n: 1 // (3 - n), range(9), ahead=4)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_what_is_left_early_is_not_done():
    done, go_on = [], threading.Event()

    def wait(number: int) -> int:
        if number:
            go_on.wait()
        done.append(number)
        return number

    pool = Threads(1, "test")
    results = computed_ahead(wait, range(9), ahead=5, pool=pool)
    assert next(results) == 0
    results.close()
    go_on.set()
    assert pool.submit(len, "abc").result() == 3  # all before it has had its turn
    assert set(done) <= {0, 1}


def test_waiting_can_be_called_off():
    never = threading.Event()
    results = computed_ahead(lambda n: n and never.wait(), range(3), ahead=1, stopped=lambda: True)
    assert list(results) in ([], [0])
    never.set()


HANGS = """
import os, signal
from pathlib import Path
from facezoo.data import ImageFiles, open_store
from facezoo.data.batches import in_order

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a shell's foreground
never, _open = os.pipe()

class Hanging(ImageFiles):
    def read(self, image):
        print("reading", flush=True)
        return os.read(never, 1)

next(in_order(open_store(Hanging(Path(), ("a.png",)), 8, memory=0), 1))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")
def test_ctrl_c_ends_a_process_whose_threads_hang_in_a_read():
    with subprocess.Popen(
        [sys.executable, "-c", HANGS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as it:
        assert it.stdout is not None
        try:
            assert it.stdout.readline() == b"reading\n"
            os.kill(it.pid, signal.SIGINT)
            assert it.wait(HANG) == -signal.SIGINT
        finally:
            it.kill()
