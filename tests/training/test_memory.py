"""Freed memory is used again: the system hands out pages once, not at every step."""

import platform
import subprocess
import sys

import pytest

STEPS = """
import ctypes, resource
from sbirkit.training.memory import keep_freed_memory
if {told}:
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def step():
    taken = [libc.malloc(1 << 20) for _ in range(4)]
    for place in taken:
        ctypes.memset(place, 1, 1 << 20)
    for place in taken:
        libc.free(ctypes.c_void_p(place))
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_a_step_that_repeats_asks_the_system_for_nothing():
    def faults(told):
        run = [sys.executable, "-c", STEPS.format(told=told)]
        return int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)

    assert 100 * faults(told=True) < faults(told=False)
