"""Columns under pits and heaps: classes, surfaces, stages, and that sharing them changes nothing."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.ground import HeatColumn, Surface, graded_edges, sinusoid
from cryoscale.products.mining_columns import class_of, simulate_all, surface_mean, work_stages, yearly_series
from cryoscale.products.mining_pixels import find_pixels, spread, work_map
from cryoscale.products.mining_scenarios import number_columns
from cryoscale.products.mining_sections import largest_cuts
from cryoscale.products.mining_works import Heat, Numerics
from cryoscale.variables import attributes

FAST = Heat(warming=0.0, numerics=Numerics(first_cell=0.15, growth=1.35, base=25.0, spin_up=3, cuts=2))
BOX = GeoBox((40, 60), Affine(30, 0, 5e5, 0, -30, 4.2e6), "EPSG:32647")


def works(**changes):
    rows = {
        "name": ["P", "H"],
        "kind": ["pit", "heap"],
        "size": [40.0, 20.0],
        "start": [2003.0, 2003.0],
        "end": [2005.0, 2005.0],
        "backfilled": [np.nan, np.nan],
        "lake": [False, False],
    }
    left, top = 5e5, 4.2e6
    boxes = [shapely.box(left + x, top - 900, left + x + 600, top - 300) for x in (90, 990)]
    return gpd.GeoDataFrame(rows | changes, geometry=boxes, crs="EPSG:32647")


@given(st.floats(0, 300), st.floats(1, 200), st.floats(1, 40))
def test_classes_hold_their_sizes(size, full, step):
    reached = min(size, full)
    middle = float(class_of(np.array([reached]), full=full, step=step)[0])
    assert 0 < middle <= full
    assert abs(middle - reached) <= step / 2 + 1e-9 or middle == full == reached


def test_a_surface_leaves_the_ground_its_temperature():
    """Held against the simulation: the ground of a column that was run until it repeats itself."""
    soil = FAST.other_sediment.soil.soil()
    wanted = np.array([-3.0, -1.5])
    means = surface_mean(wanted, soil, amplitude=10.0)
    assert (means > wanted).all()  # frozen ground conducts better
    for mean, magt in zip(means, wanted, strict=True):
        column = HeatColumn(graded_edges(20.0, first=0.05, growth=1.2), {"silt": soil}, "silt", 0.0)
        year = Surface(sinusoid(0.0, 10.0, years=1), mean=float(mean))
        settled = column.spin_up(year, float(magt), tolerance=5e-3)
        assert float(settled.initial[-1]) == pytest.approx(magt, abs=0.35)


def test_warming_begins_with_the_first_year():
    heat = FAST.model_copy(update={"warming": 0.1})
    series = yearly_series(heat, begin=2000, n_years=8)
    yearly = series["natural"].groupby("time.year").mean()
    assert float(abs(yearly[:3]).max()) < 0.03  # a year is no whole number of days
    assert np.polyfit(np.arange(5.0), yearly[3:], 1)[0] == pytest.approx(0.1, abs=0.01)
    assert not series["lake"].values.any()


def test_pits_are_dug_flooded_and_filled_back_in_order():
    pit = works(lake=[True, False], backfilled=[2010.0, np.nan]).loc[0]
    stages = work_stages(pit, size=40.0, cuts=2, begin=2000, placed=2.0)
    assert [(s.start, float(s.surface), s.forcing) for s in stages] == [
        (0.0, 0.0, "natural"),
        (3.0, 20.0, "pit"),
        (4.0, 40.0, "pit"),
        (5.0, 40.0, "lake"),
        (10.0, 0.0, "backfill"),
    ]
    assert stages[-1].fill == "backfill"
    heap = work_stages(works().loc[1], size=20.0, cuts=2, begin=2000, placed=2.0)
    assert [(s.start, float(s.surface), s.fill) for s in heap] == [(0, 20.0, None), (3, 10.0, "heap"), (4, 0.0, "heap")]


def test_columns_run_together_are_those_run_alone():
    rows = [(0, "a", -2.0, 40.0), (0, "b", -1.0, 40.0), (0, "a", -2.0, 15.0), (1, "a", -2.0, 20.0)]
    table = pd.DataFrame(rows, columns=["work", "unit", "magt", "size"])
    together = simulate_all(table, works(), FAST, first_year=2002, last_year=2007)
    assert together.year.values.tolist() == list(range(2002, 2008))
    for position in range(len(table)):
        alone = simulate_all(table.iloc[[position]], works(), FAST, first_year=2002, last_year=2007)
        xr.testing.assert_identical(together.sel(column=[position]), alone)
    change = together.surface_change.values
    np.testing.assert_array_equal(change[:, 0], [0, -20, -40, -40, -40, -40])
    np.testing.assert_array_equal(change[:, 3], [0, 10, 20, 20, 20, 20])
    natural = together.isel(year=0)
    other_grid = float(natural.temperature_10m[2])
    assert float(natural.temperature_10m[0]) == pytest.approx(other_grid, abs=0.01)


def test_pixels_of_the_mine_know_their_slope_unit_and_column():
    names = {"flag_values": [1, 2], "flag_meanings": "a b"}
    coords = {"y": BOX.coordinates["y"].values, "x": BOX.coordinates["x"].values}
    unit = xr.DataArray(
        np.where(np.arange(60) < 15, 1, 2) * np.ones((40, 1), np.uint8), coords, ("y", "x"), None, names
    )
    magt = xr.full_like(unit, -1.26, dtype="float32")
    magt[:, 40:] = np.nan
    code = work_map(works(), BOX, chunks={"y": 16, "x": 16})
    maps = xr.Dataset({"mine_work": code, "ground_unit": unit.astype("uint8"), "magt": magt}).assign_coords(code.coords)
    with open_scheduler(Cluster(workers=1)) as scheduler:
        pixels = find_pixels(maps, works(), FAST, scheduler=scheduler)
    pit = pixels[pixels["work"] == 0]
    assert len(pixels) == 800
    assert pixels["area"].sum() == pytest.approx(0.72, rel=2e-3)
    assert set(pit["unit"]) == {"a", "b"}
    assert set(pixels["magt"].dropna()) == {-1.3}
    edge = pit[(pit["row"] == 10) & (pit["column"] == 10)].iloc[0]
    assert edge["size"] == 15.0  # 15 m from the outline at 45 degree, in the class from 10 to 20 m
    assert pit["size"].max() == 40.0
    numbered, columns = number_columns(pixels)
    assert (numbered["position"] == -1).sum() == pixels["magt"].isna().sum() > 0
    known = numbered[numbered["position"] >= 0]
    for name in ("work", "unit", "magt", "size"):
        assert (columns.loc[known["position"], name].to_numpy() == known[name].to_numpy()).all()
    cuts = {cut.kind: cut for cut in largest_cuts(works(), numbered, FAST)}
    assert cuts["pit"].size == 40.0
    assert cuts["pit"].width == pytest.approx(600.0, rel=2e-3)
    assert cuts["pit"].unit == "a"


def test_maps_of_columns_are_lazy_and_the_same_in_all_chunks(assert_lazy):
    values = xr.DataArray(
        np.arange(6, dtype="float32").reshape(2, 3), {"year": [1, 2]}, ("year", "column"), "temperature_10m"
    ).assign_attrs(attributes("temperature_10m"))
    pixels = pd.DataFrame({"row": [0, 5, 39], "column": [0, 7, 59], "position": [2, -1, 1]})
    with assert_lazy():
        whole, cut = (spread(values, pixels, BOX, chunks={"y": n, "x": n}) for n in (64, 7))
    assert cut.chunksizes["y"][0] == 7
    xr.testing.assert_identical(whole.compute(), cut.compute())
    assert cut.values[:, 0, 0].tolist() == [2.0, 5.0]
    assert cut.values[:, 39, 59].tolist() == [1.0, 4.0]
    assert np.isfinite(cut.values).sum() == 4
