"""Memory that is used again at once instead of being given back to the system after every step."""

import ctypes
import sys
from functools import cache

TRIM, MMAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h


@cache
def keep_freed_memory() -> bool:
    """Tell the C library of Linux to keep what is freed; returns whether it could be told.

    By default glibc takes each large tensor from the system and gives it back at once. A training step on the
    CPU asks for the same sizes again and again, so the system clears the same pages again and again: on two
    cores a quarter of the time of a MobileNetV2 at 112 px, and far more where processes share the cores. The
    numbers are the same; a process holds on to its largest step's memory.

    >>> keep_freed_memory() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return bool(mallopt and mallopt(MMAP, 1 << 30) and mallopt(TRIM, (1 << 31) - 1))
