from math import fsum

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import stats

from cryoscale.errors import InputError
from cryoscale.grids import grid_coords, pixel_areas
from cryoscale.ground.ice import ground_ice
from cryoscale.ground.ice_tables import Datum
from cryoscale.ground.ice_volumes import ice_volumes

GEOBOXES = {
    "geographic": GeoBox.from_bbox((99.0, 38.0, 99.4, 38.3), "EPSG:4326", shape=(30, 40)),
    "projected": GeoBox.from_bbox((5e5, 4.2e6, 501_200, 4_200_900), "EPSG:32647", shape=(30, 40)),
}
TABLE = pd.DataFrame(
    {
        "unit": [1, 1, 2, 3],
        "layer": ["upper", "lower", "lower", "upper"],
        "top": [0.0, 3.0, 0.0, 0.0],
        "bottom": [3.0, 30.0, 30.0, 30.0],
        "ice_content": [0.5, 0.2, 0.05, 0.31],
        "spread": [0.1, 0.05, 0.02, 0.0],
        "n": [9, 4, 3, 2],
    }
)


def basin(kind="geographic", seed=0):
    geobox, rng = GEOBOXES[kind], np.random.default_rng(seed)
    fields = {
        "active_layer_thickness": rng.uniform(0.5, 5, geobox.shape),
        "units": rng.integers(1, 4, geobox.shape).astype("uint8"),
        "permafrost": rng.random(geobox.shape) < 0.7,
    }
    return {name: xr.DataArray(field, grid_coords(geobox), ("y", "x"), name) for name, field in fields.items()}


@pytest.mark.parametrize("kind", GEOBOXES)
@pytest.mark.parametrize("datum", Datum)
def test_volumes_are_those_of_the_pixels(kind, datum):
    maps = basin(kind)
    volumes = ice_volumes(**maps, table=TABLE, datum=datum)
    area = pixel_areas(GEOBOXES[kind]).values
    ice = ground_ice(**maps, table=TABLE, datum=datum).astype(float)
    assert volumes.total.ice_km3 == pytest.approx(float((ice.total_ground_ice_volume * area).sum()) / 1e9, rel=1e-6)
    for row in volumes.layers.itertuples():
        by_layer = float((ice.ground_ice_volume.sel(layer=row.layer) * area).sum()) / 1e9
        assert row.ice_km3 == pytest.approx(by_layer, rel=1e-5)
    for row in volumes.units.itertuples():
        where = (maps["units"] == row.unit) & maps["permafrost"]
        assert row.area_km2 == pytest.approx(float(area[where.values].sum()) / 1e6, rel=1e-6)
        assert row.ice_km3 == pytest.approx(
            float((ice.total_ground_ice_volume * area).where(where).sum()) / 1e9, rel=1e-5
        )
    assert volumes.total.ground_km3 == pytest.approx(0.01 * volumes.total.area_km2, rel=1e-6)
    assert volumes.total.water_km3 == pytest.approx(0.917 * volumes.total.ice_km3, rel=1e-6)
    assert volumes.unknown_area_km2 == 0


@pytest.mark.parametrize("kind", GEOBOXES)
@pytest.mark.parametrize("seed", range(5))
def test_parts_add_up_exactly(kind, seed):
    volumes = ice_volumes(**basin(kind, seed), table=TABLE, datum=Datum.SURFACE)
    shuffled = volumes.cells.sample(frac=1, random_state=seed)
    for name in ("ground_km3", "ice_km3", "water_km3"):
        total = volumes.total[name]
        assert total > 0
        for table in (volumes.cells, shuffled, volumes.units, volumes.layers):
            assert sum(table[name]) == total  # to the last bit, in whatever order
            assert fsum(table[name]) == total
        by_unit = volumes.cells.groupby("unit")[name].sum()
        assert by_unit.tolist() == volumes.units[name].tolist()
    assert sum(volumes.units.area_km2) == volumes.total.area_km2


@pytest.mark.parametrize("kind", GEOBOXES)
def test_lazy_equals_eager(kind):
    maps = basin(kind)
    options = {"table": TABLE, "datum": Datum.SURFACE, "thickness_error": 0.2, "n_draws": 200}
    eager = ice_volumes(**maps, **options)
    lazy = ice_volumes(**{name: array.chunk(y=7, x=13) for name, array in maps.items()}, **options)
    for name in ("cells", "units", "layers"):
        pd.testing.assert_frame_equal(getattr(lazy, name), getattr(eager, name), check_exact=True)
    np.testing.assert_array_equal(lazy.draws, eager.draws)


def test_what_is_not_known_is_told():
    maps = basin()
    maps["units"][0] = 0
    maps["active_layer_thickness"][1] = np.nan
    volumes = ice_volumes(**maps, table=TABLE)
    area = pixel_areas(GEOBOXES["geographic"]).values
    mask = maps["permafrost"].values
    assert volumes.unknown_area_km2 == pytest.approx(area[:2][mask[:2]].sum() / 1e6, rel=1e-9)
    assert volumes.total.area_km2 == pytest.approx(area[2:][mask[2:]].sum() / 1e6, rel=1e-9)


def test_the_interval_of_a_cell_is_students():
    one = TABLE[TABLE.unit == 2]
    maps = basin() | {"units": xr.full_like(basin()["units"], 2)}
    volumes = ice_volumes(**maps, table=one, n_draws=200_000, confidence=0.8)
    error = 0.02 / np.sqrt(3)
    student = stats.t(df=2, loc=0.05, scale=error)
    ends = student.cdf([0, 1])
    expected = student.ppf(ends[0] + np.array([0.1, 0.9]) * np.diff(ends)) * volumes.total.ground_km3
    np.testing.assert_allclose(volumes.total[["ice_low_km3", "ice_high_km3"]], expected, rtol=0.01)
    np.testing.assert_allclose(volumes.total.water_low_km3, 0.917 * volumes.total.ice_low_km3)
    assert volumes.draws.min() >= 0


def test_nine_of_ten_intervals_hold_the_truth():
    """Tables from samples of known ground; of 150 intervals of 90 %, 135 should hold (standard error 3.7)."""
    rng, maps = np.random.default_rng(0), {name: array[:2, :3] for name, array in basin().items()}
    true = ice_volumes(**maps, table=TABLE).total.ice_km3
    held = 0
    for seed in range(150):
        samples = [rng.normal(row.ice_content, row.spread, row.n) for row in TABLE.itertuples()]
        drilled = TABLE.assign(
            ice_content=[np.mean(content) for content in samples],
            spread=[np.std(content, ddof=1) for content in samples],
        )
        total = ice_volumes(**maps, table=drilled, n_draws=500, seed=seed).total
        held += bool(total.ice_low_km3 <= true <= total.ice_high_km3)
    assert 126 <= held <= 144


def test_draws_never_leave_what_can_be():
    """One sample with a large spread: Student's t with one degree of freedom has no end."""
    wide = TABLE.assign(spread=0.3, n=1, porosity=[0.55, 0.3, 0.3, 0.4])
    volumes = ice_volumes(**basin(), table=wide, n_draws=5000)
    ground = volumes.cells.set_index(["unit", "layer"]).ground_km3
    most = sum(
        ground[key] * limit for key, limit in zip(zip(wide.unit, wide.layer, strict=True), wide.porosity, strict=True)
    )
    assert 0 <= volumes.draws.min() < 0.1 * most
    assert 0.9 * most < volumes.draws.max() <= most * (1 + 1e-9)


def test_errors_of_units_partly_cancel_and_a_known_content_has_none():
    volumes = ice_volumes(**basin(), table=TABLE)
    widths = volumes.units.ice_high_km3 - volumes.units.ice_low_km3
    total = volumes.total.ice_high_km3 - volumes.total.ice_low_km3
    assert np.sqrt((widths**2).sum()) == pytest.approx(total, rel=0.15)
    assert widths[volumes.units.unit == 3].item() == 0
    cell = volumes.cells.set_index("unit").loc[3]
    assert cell.ice_low_km3 == pytest.approx(cell.ice_km3, rel=1e-6)


def test_more_samples_narrow_the_interval():
    few, many = (ice_volumes(**basin(), table=TABLE.assign(n=n)).total for n in (4, 64))
    assert (few.ice_high_km3 - few.ice_low_km3) > 3.5 * (many.ice_high_km3 - many.ice_low_km3)
    assert few.ice_km3 == many.ice_km3


def test_an_error_of_the_thickness_moves_what_the_table_cuts():
    """With known contents only the thickness is uncertain; its effect is found by shifting the map."""
    maps, table = basin(), TABLE.assign(spread=0.0)
    options = {"table": table, "datum": Datum.SURFACE, "thickness_error": 0.3, "n_draws": 20_000}
    volumes = ice_volumes(**maps, **options)
    z = stats.norm.ppf(0.95) * 0.3
    thickness = maps.pop("active_layer_thickness")
    ends = [
        ice_volumes((thickness + shift).clip(0), **maps, table=table, datum=Datum.SURFACE).total.ice_km3
        for shift in (z, -z)
    ]
    np.testing.assert_allclose(volumes.total[["ice_low_km3", "ice_high_km3"]], ends, rtol=0.003)


def test_seeds():
    one, same, other = (ice_volumes(**basin(), table=TABLE, seed=seed).draws for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thickness_error": -0.1, "datum": Datum.SURFACE}, r"thickness_error: must be in m, 0 or more, not -0.1"),
        (
            {"thickness_error": 0.1},
            r"thickness_error: 0.1 m has no effect on layers that are counted from the permafrost",
        ),
        ({"confidence": 90}, r"confidence: must be between 0 and 1, such as 0.9, not 90"),
        ({"n_draws": 10}, r"n_draws: 10 are too few"),
        ({"table": TABLE[TABLE.unit != 2]}, r"units: 2 \(\d+ pixels\) have no entry in the ice table, which has 1, 3"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(InputError, match=message):
        ice_volumes(**({"table": TABLE} | basin() | options))


def test_a_grid_without_a_crs_has_no_areas():
    maps = {name: xr.DataArray(array.values, dims=("y", "x")) for name, array in basin().items()}
    with pytest.raises(InputError, match=r"no regular grid with a CRS"):
        ice_volumes(**maps, table=TABLE)
