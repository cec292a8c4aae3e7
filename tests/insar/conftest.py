"""Small networks of interferograms."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr


@pytest.fixture(scope="session")
def linked_stack() -> Callable[..., xr.DataArray]:
    """Consistent phases of a network that links each epoch to the following ones."""

    def make(n_epochs=12, links=3, *, shape=(6, 7), noise=0.0, missing=0.0, seed=0) -> xr.DataArray:
        rng = np.random.default_rng(seed)
        dates = np.datetime64("2020-01-01", "ns") + 12 * np.arange(n_epochs) * np.timedelta64(1, "D")
        first, second = np.triu_indices(n_epochs, 1)
        linked = second - first <= links
        first, second = first[linked], second[linked]
        series = rng.normal(size=(n_epochs, *shape)).cumsum(axis=0)
        phase = series[second] - series[first] + noise * rng.normal(size=(first.size, *shape))
        phase[rng.random(phase.shape) < missing] = np.nan
        coords = {
            "reference": ("pair", dates[first]),
            "secondary": ("pair", dates[second]),
            "y": 38.0 - 0.001 * np.arange(shape[0]),
            "x": 99.0 + 0.001 * np.arange(shape[1]),
        }
        dims = ("pair", "y", "x")
        return xr.DataArray(phase.astype("float32"), coords, dims, "unwrapped_phase", {"units": "rad"})

    return make


@pytest.fixture(scope="session")
def lazy() -> Callable[..., xr.DataArray]:
    """An array on Dask whose coordinates stay in memory, as readers make them."""
    return lambda array, **chunks: array.copy(data=array.chunk(chunks).data)
