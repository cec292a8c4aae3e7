"""What is compiled here, what is loaded from the cache, and what another process compiles give the same bits."""

import os
import subprocess
import sys

PROGRAM = """
import hashlib
import numpy as np
import xarray as xr
from cryoscale import insar
from cryoscale.scenes import datong_scene

stack = datong_scene(1, shape=(24, 30), end="2017-12-31").stack
ramp = insar.fit_ramp(stack.unwrapped_phase, stack.coherence, min_pixels=10)
phase = insar.remove_ramp(stack.unwrapped_phase, ramp)
statistics = insar.network_statistics(phase, stack.coherence)
cube = insar.invert_nsbas(insar.phase_to_displacement(phase, stack.attrs["wavelength"]))
everything = xr.merge([cube, insar.deformation_rate(cube.displacement)], compat="override")
digest = hashlib.sha256()
for name in sorted(map(str, everything.data_vars)):
    digest.update(np.ascontiguousarray(everything[name].values).tobytes())
for name in sorted(map(str, statistics.data_vars)):
    digest.update(np.ascontiguousarray(statistics[name].values).tobytes())
print(digest.hexdigest())
"""


def test_an_empty_cache_and_a_full_one(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM]
    compiled, loaded = (
        subprocess.run(command, check=True, capture_output=True, env=environment).stdout for _ in range(2)
    )
    assert list(tmp_path.rglob("*.nbc")), "nothing was cached, so nothing was compared"
    assert compiled == loaded
