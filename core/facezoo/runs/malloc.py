"""What the C library does with memory that tensors on the CPU leave behind."""

from __future__ import annotations

import ctypes

# the parameters of glibc's mallopt(3)
TRIM_THRESHOLD, MMAP_MAX = -1, -4
KEPT = 2**31 - 1  # bytes, the largest that it takes


def keep_freed_memory() -> None:
    """Let glibc hand freed memory out again in place of returning it, for the whole process.

    By default it asks the kernel anew for every block above 32 MiB, and each page of such a block costs a
    fault at its first touch. Maps of a network at 112 x 112 are blocks of that size: the faults took a fifth
    of a training step, and a fifth of embedding. Does nothing where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(MMAP_MAX, 0)
    mallopt(TRIM_THRESHOLD, KEPT)
