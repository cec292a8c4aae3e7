"""The scene of the mining district: its maps hang together, and what it measures leads back to its truth."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import GroupKFold, LeaveOneOut, cross_val_predict

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, local_plane, pixel_areas, pixel_at
from cryoscale.ground.ice_logs import ice_table
from cryoscale.ground.ice_volumes import ice_volumes
from cryoscale.learning.folds import spatial_blocks
from cryoscale.scenes.muli import muli_scene
from cryoscale.scenes.muli_ice import ice_logs, true_ice_volume
from cryoscale.scenes.muli_land import MAGT, MAGT_BY_VEGETATION, REFLECTANCE, UNITS, VEGETATION, muli_land
from cryoscale.scenes.muli_places import BOREHOLE_NOISE
from cryoscale.terrain import aspect_components, slope
from cryoscale.variables import VARIABLES


@pytest.fixture(scope="module")
def scene():
    return muli_scene()


def at_points(table, *maps):
    """Values of maps at points (point, map)."""
    pixels = [pixel_at(geobox_of(maps[0]), *place) for place in table[["longitude", "latitude"]].to_numpy()]
    rows, columns = np.transpose(pixels)
    return np.stack([array.values[rows, columns] for array in maps], axis=1)


def maps_of(scene):
    named = (scene.elevation, scene.active_layer_thickness, scene.units, scene.vegetation, scene.magt)
    return (*named, *scene.bands.data_vars.values())


def test_variables_follow_the_registry(scene):
    for array in maps_of(scene):
        variable = VARIABLES[array.name]
        assert array.dtype == variable.dtype
        assert array.dims == ("y", "x")
        assert array.attrs["units"] == variable.units
        if variable.valid_range:
            assert variable.valid_range[0] <= float(array.min()) <= float(array.max()) <= variable.valid_range[1]
    assert tuple(scene.bands.data_vars) == tuple(REFLECTANCE)
    assert scene.units.attrs["flag_meanings"].split() == list(UNITS.values())
    assert scene.vegetation.attrs["flag_meanings"].split() == list(VEGETATION.values())


def test_grid_of_30_m_at_muli(scene):
    geobox = geobox_of(scene.elevation)
    assert geobox.shape == (200, 240)
    assert geobox.crs.epsg == 32647
    assert geobox.resolution.xy == (30, -30)
    assert all(geobox_of(array) == geobox for array in (*maps_of(scene), scene.permafrost))
    assert pixel_at(geobox, 99.1, 38.1) == pytest.approx((100, 120), abs=1)


@pytest.mark.parametrize("seed", range(4))
def test_most_is_permafrost_and_every_class_is_there(seed):
    scene = muli_scene((96, 120), seed=seed)
    assert 0.5 < float(scene.permafrost.mean()) < 0.9
    np.testing.assert_array_equal(scene.permafrost, np.isfinite(scene.active_layer_thickness))
    assert float(scene.magt.where(scene.permafrost).max()) <= 0
    assert set(np.unique(scene.vegetation)) == set(VEGETATION)
    assert set(np.unique(scene.units.where(scene.permafrost, 0))) == {0, *UNITS}
    assert 0.4 < float(scene.active_layer_thickness.min()) < float(scene.active_layer_thickness.max()) < 4


def test_tables(scene):
    assert scene.labels["class"].value_counts().to_dict() == pytest.approx(
        dict.fromkeys(VEGETATION.values(), 37), abs=1
    )
    assert scene.labels.label.is_unique
    codes = at_points(scene.labels, scene.vegetation)[:, 0]
    assert [VEGETATION[code] for code in codes] == scene.labels["class"].tolist()
    assert len(scene.boreholes) == scene.boreholes.borehole.nunique() == 48
    error = scene.boreholes.magt - at_points(scene.boreholes, scene.magt)[:, 0]
    assert error.std() == pytest.approx(BOREHOLE_NOISE, rel=0.3)
    assert abs(error.mean()) < 0.05


def test_a_forest_finds_the_vegetation_in_blocks_that_it_has_not_seen(scene):
    nir = scene.bands.nir
    indices = [(nir - scene.bands[name]) / (nir + scene.bands[name]) for name in ("red", "swir1")]
    features = at_points(scene.labels, *scene.bands.data_vars.values(), *indices, scene.elevation)
    blocks = spatial_blocks(*local_plane(scene.labels.longitude, scene.labels.latitude), size=1500.0)
    forest = RandomForestClassifier(100, random_state=0)
    predicted = cross_val_predict(forest, features, scene.labels["class"], groups=blocks, cv=GroupKFold(5))
    assert 0.85 < cohen_kappa_score(predicted, scene.labels["class"]) < 0.99


def test_a_regression_finds_the_temperature_to_the_noise(scene):
    facing = aspect_components(scene.elevation)
    maps = (scene.elevation, facing.aspect_sin, facing.aspect_cos, slope(scene.elevation), scene.vegetation)
    values = at_points(scene.boreholes, *maps)
    classes = pd.get_dummies(values[:, -1], drop_first=True, dtype=float)
    places = scene.boreholes[["longitude", "latitude"]].to_numpy()
    predictors = np.column_stack([values[:, :-1], places, classes])
    left_out = cross_val_predict(LinearRegression(), predictors, scene.boreholes.magt, cv=LeaveOneOut())
    assert 0.1 < np.sqrt(np.mean((left_out - scene.boreholes.magt) ** 2)) < 0.22
    fitted = LinearRegression().fit(predictors, scene.boreholes.magt).coef_
    assert fitted[0] == pytest.approx(MAGT["elevation"], rel=0.15)
    np.testing.assert_allclose(fitted[6:], [MAGT_BY_VEGETATION[code] + 0.7 for code in (2, 3, 4)], atol=0.3)


def test_the_true_volume_is_the_sum_over_pixels(scene):
    contents = (
        scene.ice_contents.assign(metres=lambda t: (t.bottom - t.top) * t.ice_content).groupby("unit").metres.sum()
    )
    per_pixel = np.vectorize(contents.to_dict().get)(scene.units) * pixel_areas(geobox_of(scene.units)).values
    assert scene.ice_volume == pytest.approx(per_pixel[scene.permafrost.values].sum() / 1e9, rel=1e-12)
    assert scene.ice_contents.groupby("unit")[["top", "bottom"]].agg(["min", "max"]).iloc[0].tolist() == [0, 3, 1, 10]


def test_logs_lie_in_their_units(scene):
    logs = scene.ice_logs
    assert logs.borehole.nunique() == 96
    np.testing.assert_array_equal(at_points(logs, scene.units)[:, 0], logs.unit)
    thickness = at_points(logs, scene.active_layer_thickness)[:, 0]
    first = logs.groupby("borehole").head(1)
    np.testing.assert_allclose(first.depth_bottom, thickness[first.index], atol=0.0051)
    assert logs.ice_content.between(0, 0.98).all()
    lengths = logs.groupby("borehole").depth_bottom.max()
    assert 5 <= ((lengths - first.set_index("borehole").depth_bottom) < 9.9).sum() <= 40


def volumes_of(land, logs, **options):
    table = ice_table(logs, active_layer=land.active_layer_thickness)
    maps = {"units": land.units, "permafrost": land.permafrost}
    return ice_volumes(land.active_layer_thickness, table=table, **maps, **options)


def test_the_way_from_logs_leads_to_the_true_volume(scene):
    volumes = volumes_of(scene, scene.ice_logs, confidence=0.999)
    assert volumes.total.ice_low_km3 < scene.ice_volume < volumes.total.ice_high_km3
    assert volumes.total.ice_km3 == pytest.approx(scene.ice_volume, rel=0.05)
    assert volumes.unknown_area_km2 == 0
    merged = volumes.cells.assign(top=lambda t: t.layer.str.split("-").str[0].astype(float)).merge(
        scene.ice_contents, on=["unit", "name", "top"], suffixes=("", "_true")
    )
    assert len(merged) == 15
    assert (np.abs(merged.ice_content - merged.ice_content_true) < 4 * merged.standard_error).all()


def test_nine_of_ten_intervals_hold_the_truth():
    """Forty campaigns of drilling in one district; of intervals of 90 %, 36 should hold (standard error 1.9)."""
    land = muli_land((96, 120), rng=np.random.default_rng(1))
    truth, held, width = true_ice_volume(land), 0, []
    for seed in range(40):
        total = volumes_of(land, ice_logs(land, rng=np.random.default_rng(seed)), n_draws=1000).total
        held += bool(total.ice_low_km3 < truth < total.ice_high_km3)
        width.append((total.ice_high_km3 - total.ice_low_km3) / truth)
    assert 32 <= held < 40
    assert 0.03 < np.mean(width) < 0.2


def test_pits_and_heaps_lie_apart_on_the_map(scene):
    mine = scene.mine
    assert isinstance(mine, gpd.GeoDataFrame)
    assert mine.crs.to_epsg() == 32647
    assert mine.kind.value_counts().to_dict() == {"pit": 4, "heap": 4}
    assert mine.name.is_unique
    box = geobox_of(scene.elevation).boundingbox
    left, bottom, right, top = mine.total_bounds
    assert box.left < left < right < box.right
    assert box.bottom < bottom < top < box.top
    assert mine.union_all().area == pytest.approx(mine.area.sum())
    pits, heaps = mine[mine.kind == "pit"], mine[mine.kind == "heap"]
    assert (pits.depth > 0).all()
    assert pits.height.isna().all()
    assert (heaps.height > 0).all()
    assert heaps.depth.isna().all()
    assert (mine.start < mine.end).all()
    assert (pits.backfilled.dropna() > pits.end[pits.backfilled.notna()]).all()
    assert pits.lake.tolist() == pits.backfilled.isna().tolist()
    centres = [pixel_at(geobox_of(scene.elevation), p.x, p.y) for p in mine.centroid.to_crs(4326)]
    frozen = [bool(scene.permafrost.values[pixel]) for pixel in centres]
    assert np.mean(frozen) > 0.7


def test_same_seed_same_scene_other_seed_other_scene():
    one, again, other = (muli_scene((96, 120), seed=seed) for seed in (0, 0, 1))
    for first, second in zip(maps_of(one), maps_of(again), strict=True):
        xr.testing.assert_identical(first, second)
    for name in ("labels", "boreholes", "ice_logs"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(again, name))
    assert one.ice_volume != other.ice_volume
    assert not one.elevation.equals(other.elevation)


def test_a_scene_that_is_too_small():
    with pytest.raises(InputError, match=r"muli scene: has \d+ pixels of .*, but needs \d+. Give a larger shape"):
        muli_scene((12, 14))
