"""Memory that tensors leave is used again: counted in page faults, in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from facezoo.runs.device import choose_device
if sys.argv[1] == "kept":
    choose_device("cpu")
torch.set_num_threads(1)
faults = []
for _ in range(12):  # the first few may find a freed block too small: something lies in it meanwhile
    torch.ones(16 * 2**20)  # 64 MiB
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(faults[-1] - faults[7])
"""


def faults(how: str) -> int:
    command = [sys.executable, "-c", PROGRAM, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_large_blocks_are_not_asked_for_anew():
    assert faults("kept") < 100
    assert faults("plain") > 4 * 1000  # 16,384 pages a block, fewer where the kernel gives larger ones
