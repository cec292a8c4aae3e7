"""Probed sites: true but for 5 cm where it is uniform, too deep where it is not, and so told apart by a product."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pyproj import Transformer

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords
from cryoscale.scenes.active_layer import active_layer_scene
from cryoscale.scenes.active_layer_land import E_FACTOR, active_layer_land
from cryoscale.scenes.active_layer_sites import EDGE, STEEP, UNIFORM, sites
from cryoscale.terrain import slope
from cryoscale.thermal.sites import uniform_sites


@pytest.fixture(scope="module")
def scene():
    return active_layer_scene((320, 320), (2018, 2020), seed=2)


@pytest.fixture(scope="module")
def measured(scene):
    """Sites with the truth of their pixels."""
    table = scene.sites
    pixel = {"x": xr.DataArray(table.x), "y": xr.DataArray(table.y)}
    at = scene.truth.sel(pixel, method="nearest")
    chosen = at.active_layer_thickness.sel(year=xr.DataArray(table.year))
    return table.assign(
        true=chosen.values,
        ddt=at.ddt.sel(year=xr.DataArray(table.year)).values,
        land_cover=at.land_cover.values,
    )


def test_forty_sites_in_some_years_each(measured):
    kinds = measured.drop_duplicates("site").surroundings.value_counts()
    assert kinds.to_dict() == {UNIFORM: 28, EDGE: 6, STEEP: 6}
    assert measured.groupby("site").size().between(1, 3).all()
    assert not measured.duplicated(["site", "year"]).any()
    assert set(measured.year) == {2018, 2019, 2020}
    assert list(measured.columns[:7]) == ["site", "longitude", "latitude", "x", "y", "year", "active_layer_thickness"]


def test_places_agree_in_both_systems(measured):
    x, y = Transformer.from_crs(4326, 32647, always_xy=True).transform(measured.longitude, measured.latitude)
    np.testing.assert_allclose(x, measured.x, atol=0.2)
    np.testing.assert_allclose(y, measured.y, atol=0.2)


def test_uniform_sites_have_the_thickness_of_their_pixel(measured):
    error = (measured.active_layer_thickness - measured.true)[measured.surroundings == UNIFORM]
    assert error.std() == pytest.approx(0.05, rel=0.4)
    assert abs(error.mean()) < 0.02
    assert measured[measured.surroundings == UNIFORM].drop_duplicates("site").land_cover.value_counts().min() >= 9


def test_other_sites_are_deeper_than_their_pixel(measured):
    ratio = (measured.active_layer_thickness / measured.true)[measured.surroundings != UNIFORM]
    assert ratio.mean() == pytest.approx(1.3, abs=0.08)


def test_the_choice_of_uniform_sites_matters(scene, measured):
    """With the default thresholds; E of the sites that are kept is true, that of all is too large."""
    around = xr.Dataset({"ndvi": scene.landsat_ndvi, "slope": slope(scene.elevation), "land_cover": scene.land_cover})
    told = uniform_sites(measured, around)
    assert told.accepted[told.surroundings == UNIFORM].mean() > 0.9
    assert told.accepted[told.surroundings != UNIFORM].mean() < 0.2
    for code, e_factor in E_FACTOR.items():
        kept, everything = (
            (part.active_layer_thickness * np.sqrt(part.ddt)).sum() / part.ddt.sum() / e_factor - 1
            for part in (told[told.accepted & (told.land_cover == code)], told[told.land_cover == code])
        )
        assert abs(kept) < 0.03
        assert everything > max(kept, 0.01)


def test_without_permafrost_there_is_no_site():
    land = active_layer_land((64, 64), rng=np.random.default_rng(0))
    nothing = xr.DataArray(
        np.full((1, 64, 64), np.nan), {"year": [2019], **grid_coords(land.geobox)}, ("year", "y", "x")
    )
    with pytest.raises(InputError, match=r"none of its 4096 pixels has uniform surroundings .* Give a larger shape"):
        sites(land, nothing, rng=np.random.default_rng(0))


def test_the_table_has_no_gaps(scene):
    assert not scene.sites.isna().any(axis=None)
    assert isinstance(scene.sites, pd.DataFrame)
