"""Whether freed memory is kept is the allocator's business, so it is looked at in a fresh process."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
from cryoscale.engine.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
faults = []
for _ in range(6):
    np.ones(5_000_000)  # 40 MB: above the size from which glibc always maps
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(faults[-1] - faults[2])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_the_next_array_reuses_the_pages_of_the_last():
    faults = {
        mode: int(subprocess.run([sys.executable, "-c", PROGRAM, mode], check=True, capture_output=True).stdout)
        for mode in ("keep", "return")
    }
    assert faults["keep"] < 0.2 * faults["return"]
