"""Indices against values worked out by hand, their bounds, and what is refused."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cryoscale.errors import InputError
from cryoscale.ground.spectral import INDICES, REFLECTANCES, spectral_indices

REFLECTANCE = arrays(np.float64, (6, 8), elements=st.floats(-0.2, 1.6) | st.just(np.nan))


def bands_of(values):
    return xr.Dataset(
        {name: (("y", "x"), np.atleast_2d(band)) for name, band in zip(REFLECTANCES, values, strict=True)}
    )


def make_bands(shape=(20, 30), *, seed=0):
    rng = np.random.default_rng(seed)
    bands = xr.Dataset({name: (("y", "x"), rng.uniform(0, 0.6, shape)) for name in REFLECTANCES})
    return bands.where(rng.random(shape) > 0.1)


def test_a_meadow_by_hand():
    indices = spectral_indices(bands_of([0.04, 0.08, 0.06, 0.34, 0.22, 0.12]))
    expected = {
        "ndvi": 0.28 / 0.40,
        "ndwi": -0.26 / 0.42,
        "mndwi": -0.14 / 0.30,
        "ndmi": 0.12 / 0.56,
        "evi": 2.5 * 0.28 / (0.34 + 0.36 - 0.30 + 1.0),
        "bsi": (0.28 - 0.38) / (0.28 + 0.38),
        "nbr": 0.22 / 0.46,
    }
    assert list(indices) == list(expected)
    for name, value in expected.items():
        assert float(indices[name][0, 0]) == pytest.approx(value, rel=1e-6)
        assert indices[name].dtype == np.float32
        assert indices[name].attrs["units"] == "1"


@given(REFLECTANCE)
def test_indices_stay_within_their_bounds_and_missing_stays_missing(values):
    indices = spectral_indices(bands_of(list(values[:, None])))
    for name in INDICES:
        found = indices[name].values
        assert np.nanmax(np.abs(found), initial=0.0) <= 1.0
        assert np.isnan(found[0, np.isnan(values[[0, 2, 3, 4, 5]]).all(axis=0)]).all()
    used = {"ndvi": (3, 2), "ndwi": (1, 3), "mndwi": (1, 4), "ndmi": (3, 4), "nbr": (3, 5)}
    for name, pair in used.items():
        missing = np.isnan(values[list(pair)]).any(axis=0)
        black = (np.maximum(values[list(pair)].astype(np.float32), 0) == 0).all(axis=0)
        np.testing.assert_array_equal(np.isnan(indices[name].values[0]), missing | black)


def test_lazy_equals_eager(assert_lazy):
    bands = make_bands()
    with assert_lazy():
        lazy = spectral_indices(bands.chunk(y=7, x=11))
    xr.testing.assert_identical(lazy.compute(), spectral_indices(bands))
    series = xr.concat([bands, bands], "time")
    assert spectral_indices(series).ndvi.dims == ("time", "y", "x")


def test_counts_and_percent_are_refused():
    bands = make_bands()
    with pytest.raises(InputError, match=r"lack \['swir2'\]"):
        spectral_indices(bands.drop_vars("swir2"))
    with pytest.raises(InputError, match="red: is uint16, so it holds counts. Scale them to reflectances"):
        spectral_indices(bands.assign(red=(bands.red.fillna(0) * 10000).astype("uint16")))
    with pytest.raises(InputError, match="nir: is in '%', but nir must be in '1'"):
        spectral_indices(bands.assign(nir=bands.nir.assign_attrs(units="%")))
    with pytest.raises(InputError, match=r"green: holds 99.0, but reflectances lie between 0 and 1"):
        spectral_indices(bands.assign(green=xr.full_like(bands.green, 99.0)))
    lazy = spectral_indices(bands.assign(blue=xr.full_like(bands.blue, -9999.0)).chunk(y=5))
    with pytest.raises(InputError, match=r"blue: holds -9999.0.*set what is no data to NaN"):
        lazy.compute()
