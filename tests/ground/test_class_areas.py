"""Areas by class against plain sums, the published example of Olofsson et al. (2014), and a map with known truth."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords, pixel_areas
from cryoscale.ground.class_areas import adjusted_areas, mapped_areas
from cryoscale.stats.confusion import Confusion, confusion

FLAGS = {"flag_values": [0, 1, 2, 5], "flag_meanings": "no_data bare meadow swamp"}


def make_map(crs="EPSG:4326", *, shape=(60, 50), seed=0):
    box = (99.0, 38.0, 99.5, 38.6) if crs == "EPSG:4326" else (5e5, 4.2e6, 5.05e5, 4.206e6)
    codes = np.random.default_rng(seed).choice([0, 1, 2, 5], shape, p=[0.1, 0.2, 0.5, 0.2]).astype("uint8")
    coords = grid_coords(GeoBox.from_bbox(box, crs, shape=shape))
    return xr.DataArray(codes, coords, ("y", "x"), "vegetation_class", FLAGS)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32647"])
def test_areas_are_sums_of_pixels_however_the_map_is_cut(assert_lazy, crs):
    classes = make_map(crs)
    areas = pixel_areas(classes.odc.geobox).values
    eager = mapped_areas(classes).compute()
    expected = [areas[classes.values == code].sum() / 1e6 for code in (1, 2, 5)]
    np.testing.assert_allclose(eager, expected, rtol=1e-7)
    assert eager.vegetation.values.tolist() == ["bare", "meadow", "swamp"]
    assert eager.attrs["units"] == "km2"
    for chunks in ({"y": 7, "x": 50}, {"y": 60, "x": 13}):
        with assert_lazy():
            lazy = mapped_areas(classes.chunk(chunks))
        xr.testing.assert_identical(lazy.compute(), eager)


def published():
    """Their Table 8 (rows: map; columns: reference), and areas of the map for pixels of 30 m."""
    names = ["deforestation", "forest_gain", "stable_forest", "stable_nonforest"]
    counts = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
    pixels = np.array([200_000, 150_000, 3_200_000, 6_450_000])
    mapped = xr.DataArray(pixels * 9e-4, {"vegetation": names}, ("vegetation",), "vegetation_area")
    return mapped, Confusion(pd.DataFrame(counts, names, names))


def test_the_published_example_comes_out():
    result = adjusted_areas(*published())
    hectares, margin = result.table["area"] * 100, (result.table["area_upper"] - result.table["area"]) * 100
    np.testing.assert_allclose(hectares, [21_158, 11_686, 285_770, 581_386], atol=1)
    np.testing.assert_allclose(margin, [6_158, 3_756, 15_510, 16_282], atol=1)
    assert result.table["users_accuracy"].round(2).tolist() == [0.88, 0.73, 0.93, 0.96]
    assert (1.96 * result.table["users_accuracy_error"]).round(2).tolist() == [0.07, 0.10, 0.04, 0.02]
    assert result.table["producers_accuracy"].round(2).tolist() == [0.75, 0.85, 0.93, 0.96]
    assert 1.96 * result.table["producers_accuracy_error"]["deforestation"] == pytest.approx(0.21, abs=0.005)
    assert result.overall_accuracy == pytest.approx(0.95, abs=0.005)
    assert 1.96 * result.overall_accuracy_error == pytest.approx(0.02, abs=0.005)


def test_classes_are_matched_by_name():
    mapped, agreement = published()
    turned = adjusted_areas(mapped[::-1], agreement).table
    pd.testing.assert_frame_equal(turned.loc[mapped.vegetation.values], adjusted_areas(mapped, agreement).table)


def simulate(draws=400, *, per_class=60):
    """Stratified samples of a map of three classes that is wrong in a known way."""
    names = ["bare", "meadow", "swamp"]
    mapped = xr.DataArray([50.0, 400.0, 150.0], {"vegetation": names}, ("vegetation",))
    true_share = np.array([[0.8, 0.15, 0.05], [0.1, 0.85, 0.05], [0.0, 0.25, 0.75]])
    rng = np.random.default_rng(4)
    for _ in range(draws):
        counts = np.array([rng.multinomial(per_class, row) for row in true_share])
        yield adjusted_areas(mapped, Confusion(pd.DataFrame(counts, names, names)))


def test_intervals_hold_the_truth_as_often_as_they_say_and_the_map_does_not():
    truth = np.array([80.0, 385.0, 135.0])
    results = list(simulate())
    tables = [result.table for result in results]
    areas = np.array([table["area"] for table in tables])
    assert (np.abs(areas.mean(axis=0) - truth) < 3.0 * areas.std(axis=0) / np.sqrt(len(areas))).all()
    np.testing.assert_allclose(areas.std(axis=0), np.mean([t["area_error"] for t in tables], axis=0), rtol=0.08)
    held = np.mean([(t["area_lower"] <= truth) & (truth <= t["area_upper"]) for t in tables], axis=0)
    assert ((held > 0.92) & (held < 0.98)).all()
    assert (np.abs(tables[0]["mapped_area"] - truth) > 10).all()


def test_errors_of_accuracies_are_their_spread():
    results = list(simulate(per_class=500))
    for name in ("producers_accuracy", "users_accuracy"):
        found = np.array([result.table[name] for result in results])
        said = np.mean([result.table[f"{name}_error"] for result in results], axis=0)
        np.testing.assert_allclose(found.std(axis=0), said, rtol=0.08)
    overall = [result.overall_accuracy for result in results]
    assert np.std(overall) == pytest.approx(np.mean([r.overall_accuracy_error for r in results]), rel=0.08)


def test_points_of_a_map_give_its_areas():
    truth = np.repeat([1, 2], [300, 700])
    agreement = confusion(np.where(np.arange(1000) % 10 == 0, 3 - truth, truth), truth, classes={1: "a", 2: "b"})
    mapped = xr.DataArray([34.0, 66.0], {"vegetation": ["a", "b"]}, ("vegetation",))
    table = adjusted_areas(mapped, agreement).table
    np.testing.assert_allclose(table["area"], [30.0, 70.0])  # points in the very shares of the map
    narrow = adjusted_areas(mapped, agreement, level=0.5).table
    assert (narrow["area_upper"] < table["area_upper"]).all()


def test_bad_input_says_what_to_do():
    classes = make_map()
    with pytest.raises(InputError, match="vegetation_class: has no flag_values and flag_meanings"):
        mapped_areas(classes.drop_attrs())
    with pytest.raises(InputError, match=r"holds the code 7, which its flags do not name \(they name \(1, 2, 5\)\)"):
        mapped_areas(xr.full_like(classes, 7))
    with pytest.raises(InputError, match="no regular grid with a CRS"):
        mapped_areas(xr.DataArray(classes.values, dims=("y", "x"), attrs=FLAGS))
    mapped, agreement = published()
    with pytest.raises(InputError, match="Give both the same names"):
        adjusted_areas(mapped[:3], agreement)
    with pytest.raises(InputError, match=r"none may be below 0, nor all 0"):
        adjusted_areas(mapped * 0, agreement)
    with pytest.raises(InputError, match="level: must lie between 0 and 1"):
        adjusted_areas(mapped, agreement, level=95)
    few = Confusion(agreement.matrix.mul([0, 1, 1, 1], axis=0))
    with pytest.raises(InputError, match="0 of the points are mapped as deforestation, which has 180 km2"):
        adjusted_areas(mapped, few)
    none_there = mapped * [0, 1, 1, 1]
    assert adjusted_areas(none_there, few).table["area"].sum() == pytest.approx(float(none_there.sum()))
