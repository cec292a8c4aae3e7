"""Environmental covariates: their likeness to the season, as Fig. 12 has it."""

import numpy as np
import pytest
import xarray as xr

from cryoscale.grids import pixel_spacing
from cryoscale.scenes.covariates import COVARIATES, LIKENESS, covariates
from cryoscale.scenes.layout import scene_geobox
from cryoscale.scenes.terrain import valley_terrain
from cryoscale.variables import VARIABLES

GEOBOX = scene_geobox((100, 120))
TERRAIN = valley_terrain((100, 120), spacing=pixel_spacing(GEOBOX), rng=np.random.default_rng(0))
SEASON = 50 * TERRAIN.ice ** np.float32(0.7)


def make(noise, seed=1):
    rng = np.random.default_rng(seed)
    return covariates(TERRAIN, SEASON, geobox=GEOBOX, thawing_index=1000.0, noise=noise, rng=rng)


def correlation(dataset, name):
    return float(xr.corr(dataset[name], xr.DataArray(SEASON, dataset[name].coords, ("y", "x"))))


def test_all_follow_the_registry():
    dataset = make(1.0)
    assert set(dataset.data_vars) == set(COVARIATES)
    for name, field in dataset.data_vars.items():
        assert field.dims == VARIABLES[name].dims
        assert field.dtype == VARIABLES[name].dtype
        assert field.attrs["units"] == VARIABLES[name].units
        least, largest = VARIABLES[name].valid_range
        assert least <= field.min() <= field.max() <= largest


def test_signs_are_those_of_the_paper():
    """More ice, more vegetation, more warmth, darker and gentler ground: more subsidence (Section 4.1.3)."""
    dataset = make(1.0)
    assert correlation(dataset, "slope") < -0.3
    assert correlation(dataset, "thawing_index") > 0.2
    assert correlation(dataset, "swir_albedo") < -0.4
    assert correlation(dataset, "ground_ice") > 0.35
    assert correlation(dataset, "ndvi") > 0.2


@pytest.mark.parametrize("name", LIKENESS)
def test_strengths_are_those_of_the_paper_on_average(name):
    mean = np.mean([correlation(make(1.0, seed), name) for seed in range(12)])
    assert mean == pytest.approx(LIKENESS[name][2], abs=0.1)


@pytest.mark.parametrize("name", LIKENESS)
def test_noise_is_autocorrelated_and_switched_off_by_0(name):
    quiet, noisy = make(0.0)[name], make(1.0)[name]
    assert abs(correlation(make(0.0), name)) > 0.99
    noise = (noisy - quiet).values
    assert noise.std() > 0.3 * LIKENESS[name][1]
    beside = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    assert beside > 0.6


def test_warmth_falls_with_elevation_by_6_degrees_a_kilometre_over_the_season():
    warmth = make(0.0).thawing_index.values
    slope = np.polyfit(TERRAIN.elevation.ravel(), warmth.ravel(), 1)[0]
    assert slope == pytest.approx(-0.9, rel=1e-3)
