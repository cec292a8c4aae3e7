"""Mining from files to stores and the report: right, the same bytes on every way, and parts that are left out."""

import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.engine import Cluster
from cryoscale.errors import StoreError
from cryoscale.products import demo_mining, mining
from cryoscale.products.mining_config import MiningConfig
from cryoscale.products.mining_works import Numerics
from cryoscale.scenes import muli_files, muli_scene, write_muli
from cryoscale.store import open_store

pytestmark = pytest.mark.usefixtures("fresh_process")

TILED = ("vegetation", "ground_temperature", "ground_ice", "scenario", "ground_ice_after")
SMALL = ("columns", "section_pit", "section_heap")
COARSE = Numerics(
    first_cell=0.2,
    growth=1.4,
    base=25.0,
    spin_up=3,
    magt_step=0.5,
    size_step=50.0,
    cuts=2,
    section_cell=25.0,
    section_first_cell=1.0,
    section_step=20.0,
)
YEARS = (2002, 2016)


@pytest.fixture(scope="module")
def district():
    return muli_scene((96, 120))


@pytest.fixture(scope="module")
def finished(district, tmp_path_factory):
    """The demo on a small scene with coarse cells, and where it lies."""
    folder = tmp_path_factory.mktemp("mining")
    write_muli(district, folder / "scene")
    config = demo_mining._config(YEARS, demo_mining.demo_heat(COARSE), 30)
    path = folder / "config.yaml"
    path.write_text(config.model_copy(update={"cluster": Cluster(workers=1)}).to_yaml(), encoding="utf-8")
    return demo_mining.run(folder), folder


@pytest.fixture
def results(finished):
    return finished[1] / "results"


@pytest.fixture
def config(finished, tmp_path):
    """That of the finished run, with results in a folder of the test."""
    return updated(MiningConfig.load(finished[1] / "config.yaml"), output=tmp_path / "results")


@pytest.fixture
def stores_only(monkeypatch):
    """Runs end with what they have found: drawing the report takes longer than they do."""
    monkeypatch.setattr(mining, "publish", lambda findings, **_: findings)


def updated(config, **changes):
    return config.model_copy(update=changes)


def opened(results, name):
    return open_store(results / f"{name}.zarr").compute()


def arrays(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("c/**/*") if p.is_file()}


def test_the_demo_finds_the_truth(finished):
    tables = {table.title: table for table in finished[0].tables}
    found = {row[0]: row[1] for row in tables["Mining and permafrost"].rows}
    assert float(found["kappa of vegetation, random folds"]) > 0.85
    assert float(found["kappa of vegetation, blocked folds"]) > 0.75
    assert float(found["leave-one-out RMSE of the regression (K)"]) < 0.35
    assert float(tables["Agreement with references"].rows[0][4]) > 0.85
    errors = next(table for title, table in tables.items() if title.startswith("Errors"))
    assert float(errors.rows[0][3].split()[0]) < 0.35
    assert tables["Ground ice before mining (million m³)"].rows[0][2] == "yes"


def test_all_stores_are_valid_and_the_report_holds_all_parts(finished, results):
    stores = [str(results / f"{name}.zarr") for name in (*TILED, *SMALL)]
    checked = CliRunner().invoke(app, ["validate", *stores])
    assert checked.exit_code == 0, checked.output
    page = (results / "report.html").read_text(encoding="utf-8")
    for title in ("Vegetation", "Mean annual ground temperature", "Ground ice before mining", "Against the truth"):
        assert f"<h2>{title}</h2>" in page
    for title in ("Permafrost before, during and after mining", "Sections through the largest pit and heap"):
        assert f"<h2>{title}</h2>" in page
    assert "left out" not in page[page.index("<h2>Inputs") : page.index("<h2>Provenance")]
    assert {"magt.tif", "vegetation_class.tif", "temperature_10m_2016.tif"} <= {p.name for p in finished[0].rasters}
    assert MiningConfig.load(results / "config.yaml") == MiningConfig.load(finished[1] / "config.yaml")


@pytest.mark.usefixtures("stores_only")
def test_a_second_run_writes_nothing(results, config):
    before = {p: p.stat().st_mtime_ns for p in results.rglob("*") if p.is_file() and ".zarr" in str(p)}
    mining.run(updated(config, output=results))
    after = {p: p.stat().st_mtime_ns for p in results.rglob("*") if p.is_file() and ".zarr" in str(p)}
    assert after == before


@pytest.mark.usefixtures("stores_only")
def test_an_interrupted_run_goes_on_to_the_same_bytes(results, config):
    removed = 0
    shutil.copytree(results, config.output)
    for name in TILED:
        store = config.output / f"{name}.zarr"
        for variable in open_store(store).data_vars:
            for chunk in sorted(p for p in (store / variable).rglob("c/**/*") if p.is_file())[1::3]:
                chunk.unlink()
                removed += 1
    assert removed > 20
    mining.run(config)
    for name in (*TILED, *SMALL):
        assert arrays(config.output / f"{name}.zarr") == arrays(results / f"{name}.zarr"), name


@pytest.mark.usefixtures("stores_only")
def test_other_tiles_change_no_bit(results, config, monkeypatch):
    monkeypatch.setattr(mining, "choose_tiles", lambda *_: (64, 96))
    mining.run(config)
    for name in (*TILED, *SMALL):
        ours, others = (open_store(folder / f"{name}.zarr") for folder in (results, config.output))
        if name in TILED:
            assert ours.chunksizes["y"] != others.chunksizes["y"]
        for variable in ours.variables:
            first, second = (store[variable].values for store in (ours, others))
            same = (first == second).all() if first.dtype == object else first.tobytes() == second.tobytes()
            assert same, (name, variable)


@pytest.mark.usefixtures("stores_only")
def test_another_configuration_on_the_same_folder_is_refused(results, config):
    mine = updated(config.mine, heat=updated(config.mine.heat, warming=0.1))
    with pytest.raises(StoreError, match=r"columns.zarr: was made by another run:\n  - config.mine.heat.warming: 0.03"):
        mining.run(updated(config, output=results, mine=mine))


def test_around_pits_and_heaps_the_ground_is_as_it_was(results, district):
    layers, magt = opened(results, "scenario"), opened(results, "ground_temperature").magt
    outside = layers.mine_work.values == 0
    before = district.active_layer_thickness.values
    for year in layers.year.values:
        one = layers.sel(year=year)
        np.testing.assert_array_equal(one.active_layer_thickness.values[outside], before[outside])
        np.testing.assert_array_equal(one.permafrost_table_depth.values[outside], before[outside])
        np.testing.assert_array_equal(one.temperature_10m.values[outside], magt.values[outside])
        assert not one.surface_change.values[outside].any()
    frozen = layers.ground_thermal_state.isel(year=-1).values[outside] == 1
    np.testing.assert_array_equal(frozen, np.isfinite(before[outside]))


def test_every_pixel_of_the_mine_has_the_result_of_its_column(results, config):
    layers, columns = opened(results, "scenario"), opened(results, "columns")
    magt, units = opened(results, "ground_temperature").magt, opened(results, "ground_ice").ground_unit
    legend = dict(zip(units.attrs["flag_values"], units.attrs["flag_meanings"].split(), strict=True))
    names = layers.mine_work.attrs["flag_meanings"].split()
    keys = pd.MultiIndex.from_arrays([columns[name].values for name in ("work", "unit", "column_magt", "size")])
    assert keys.is_unique
    rows, places = np.nonzero(layers.mine_work.values)
    assert len(rows) > 300
    checked = 0
    for row, place in list(zip(rows, places, strict=True))[::7]:
        rounded = np.round(2 * float(magt[row, place])) / 2
        work = names[int(layers.mine_work[row, place])]
        alike = (columns.work == work) & (columns.unit == legend[int(units[row, place])])
        of_pixel = columns.isel(column=np.flatnonzero(alike & (abs(columns.column_magt - rounded) < 1e-6)))
        found = layers.temperature_10m.isel(y=row, x=place).values
        if not of_pixel.sizes["column"]:
            assert np.isnan(magt[row, place])
            assert np.isnan(found).all()
            continue
        kept = of_pixel.temperature_10m.sel(year=layers.year)
        assert (np.abs(kept.values - found[:, np.newaxis]) < 1e-6).all(axis=0).any()
        checked += 1
    assert checked > 40
    assert layers.year.values.tolist() == config.mine.kept_years(2014.0) == [2002, 2014, 2016]


def test_pits_and_heaps_change_the_surface_as_they_are_told(results, district):
    layers = opened(results, "scenario")
    names = layers.mine_work.attrs["flag_meanings"].split()
    mine = district.mine.set_index("name")
    assert not layers.surface_change.sel(year=2002).fillna(0.0).values.any()
    for code, name in enumerate(names[1:], start=1):
        change = layers.surface_change.sel(year=2016).values[layers.mine_work.values == code]
        change = change[np.isfinite(change)]
        work = mine.loc[name]
        if work["kind"] == "heap":
            assert change.min() > 0
            assert change.max() == pytest.approx(work["height"])
        elif name == "P3":  # filled back in 2016
            assert not change.any()
        else:
            assert -work["depth"] <= change.min() < change.max() < 0


def test_a_lake_thaws_the_ground_and_heaps_keep_it_frozen(results):
    columns = opened(results, "columns")
    first, last = columns.isel(year=0), columns.isel(year=-1)
    cold = first.permafrost_table_depth.notnull() & (columns.column_magt <= -0.5)
    lake = cold & columns.work.isin(["P1", "P4"]) & (columns["size"] > 20)
    assert lake.sum() > 0
    assert (last.temperature_10m[lake] > first.temperature_10m[lake] + 0.5).all()
    table = (last.permafrost_table_depth - last.surface_change)[lake]
    assert (table.isnull() | (table > columns["size"][lake] + 3)).all()
    heap = cold & columns.work.isin(["H1", "H2", "H3", "H4"])
    assert heap.sum() > 0
    assert last.permafrost_table_depth[heap].notnull().all()


def test_natural_columns_have_the_mapped_ground_temperature(results):
    first = opened(results, "columns").isel(year=0)
    cold = first.column_magt <= -0.5
    assert float(abs(first.temperature_10m - first.column_magt)[cold].max()) < 0.35


def test_ice_is_lost_in_the_mine_alone_and_adds_up(results):
    before, after = opened(results, "ground_ice"), opened(results, "ground_ice_after")
    work = opened(results, "scenario").mine_work.values
    change = after.total_ground_ice_volume_change.values
    assert not change[work == 0][np.isfinite(change[work == 0])].any()
    total = before.total_ground_ice_volume.values
    known = np.isfinite(change)
    np.testing.assert_allclose((total + change)[known], after.total_ground_ice_volume.values[known], atol=1e-5)
    assert (change[known] <= 0).all()
    layers = after.ground_ice_volume_change.sum("layer", skipna=False).values
    np.testing.assert_allclose(layers[known], change[known], atol=1e-5)
    table = pd.read_csv(results / "tables/ice_by_work.csv")
    np.testing.assert_allclose(table["lost_km3"], -table["change_km3"], rtol=1e-4)
    pits = table[table["kind"] == "pit"]
    assert pits["lost_km3"].sum() > 0.6 * pits["before_km3"].sum()
    heaps = table[table["kind"] == "heap"]
    assert heaps["lost_km3"].sum() < 0.1 * heaps["before_km3"].sum()


def test_histories_are_means_over_pixels(results):
    history = pd.read_csv(results / "tables/mine_history.csv")
    layers = opened(results, "scenario")
    names = layers.mine_work.attrs["flag_meanings"].split()
    last = history[history["year"] == 2016].set_index("work")
    for code, name in enumerate(names[1:], start=1):
        inside = layers.mine_work.values == code
        values = layers.temperature_10m.sel(year=2016).values[inside]
        known = np.isfinite(layers.surface_change.sel(year=2016).values[inside])
        assert last.loc[name, "temperature_10m"] == pytest.approx(np.nanmean(values[known]), abs=1e-4)


def test_sections_go_through_the_largest_and_balance_their_heat(results, district):
    sections = {kind: opened(results, f"section_{kind}") for kind in ("pit", "heap")}
    mine = district.mine.assign(volume=district.mine.area * district.mine[["depth", "height"]].max(axis=1))
    for kind, run in sections.items():
        assert run.attrs["work"] == mine[mine["kind"] == kind].sort_values("volume")["name"].iloc[-1]
        assert run.year.values.tolist() == list(range(YEARS[0], YEARS[1] + 1))
        sides = [run[name].values for name in ("heat_from_surface", "heat_from_base", "heat_placed")]
        np.testing.assert_allclose(run.heat_change, sum(sides), rtol=1e-6, atol=1e3)
        assert run.section_surface.values.min() >= -run.attrs["size"] - 1e-6
    assert float(sections["pit"].section_surface.sel(year=2012).min()) < -50
    assert float(sections["heap"].section_surface.isel(year=-1).max()) > 15
    assert float(sections["heap"].heap_area.isel(year=-1)) > 0


@pytest.mark.usefixtures("stores_only")
def test_the_mine_can_have_its_own_boreholes(results, config, tmp_path):
    table = tmp_path / "mine_ice.csv"
    units = ["pit", "heap", "backfill"]
    rows = {"unit": units, "top": 0, "bottom": 10, "ice_content": [0.04, 0.08, 0.1], "spread": 0.02, "n": 5}
    pd.DataFrame(rows).to_csv(table, index=False)
    shutil.copytree(results, config.output, ignore=shutil.ignore_patterns("ground_ice_after.zarr"))
    found = mining.run(updated(config, ground_ice=updated(config.ground_ice, mine_table=table)))
    after = found.ice_after.layers.compute()
    last = opened(results, "scenario").isel(year=-1)
    heaps = last.mine_work.isin(np.flatnonzero((found.scenario.works.kind == "heap").to_numpy()) + 1)
    frozen = (heaps & last.permafrost_table_depth.notnull()).values
    assert frozen.sum() > 50
    np.testing.assert_allclose(after.total_ground_ice_volume.values[frozen], 0.8, rtol=1e-5)
    assert not after.total_ground_ice_volume.values[(heaps & last.permafrost_table_depth.isnull()).values].any()


@pytest.mark.parametrize(
    ("absent", "stores", "line"),
    [
        (("mine",), {"vegetation", "ground_temperature", "ground_ice"}, "left out: mine not given"),
        (
            ("vegetation", "ground_ice", "units"),
            {"ground_temperature"},
            "left out: units not given",
        ),
        (
            ("vegetation", "ground_temperature"),
            {"ground_ice"},
            "left out: ground_temperature not given",
        ),
    ],
)
def test_parts_without_inputs_are_left_out_and_named(results, config, absent, stores, line):
    if "vegetation" in stores:
        others = (*(f"{name}.zarr" for name in (*SMALL, "scenario", "ground_ice_after")), "rasters", "tables")
        shutil.copytree(results, config.output, ignore=shutil.ignore_patterns(*others))
    outcome = mining.run(updated(config, **dict.fromkeys(absent)))
    assert {path.stem for path in config.output.glob("*.zarr")} == stores
    assert outcome.store.stem in stores
    page = outcome.report.read_text(encoding="utf-8")
    assert line in page
    assert "<h2>Permafrost before, during and after mining</h2>" not in page


def test_a_plan_reads_no_pixel_and_is_printed(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(xr.DataArray, "compute", lambda *_: pytest.fail("computed while planning"))
    planned = CliRunner().invoke(
        app, ["mining", str(finished[1] / "config.yaml"), "--plan", "--set", f"output={tmp_path / 'new'}"]
    )
    assert planned.exit_code == 0, planned.output
    for step in ("vegetation", "ground temperature", "ground ice", "scenario", "ground ice after mining", "fits"):
        assert step in planned.output
    assert not (tmp_path / "new").exists()


def test_a_large_district_is_planned(finished, district, tmp_path):
    box = district.elevation.odc.geobox.boundingbox
    large = ["grid.crs=EPSG:32647", "grid.resolution=3", f"grid.bounds=[{', '.join(map(str, box.bbox))}]"]
    options = [part for one in (*large, f"output={tmp_path}", "mine.last_year=2051") for part in ("--set", one)]
    planned = CliRunner().invoke(app, ["mining", str(finished[1] / "config.yaml"), "--plan", *options])
    assert planned.exit_code == 0, planned.output
    assert "960 x 1200" in planned.output


def test_the_template_loads_once_it_is_filled_in(tmp_path, finished):
    printed = CliRunner().invoke(app, ["mining", "--template"])
    assert printed.exit_code == 0
    files = muli_files(finished[1] / "scene")
    filled = printed.output.replace("  elevation:  # required", f"  elevation: {files.dem}", 1)
    path = tmp_path / "config.yaml"
    path.write_text(filled, encoding="utf-8")
    loaded = MiningConfig.load(path)
    assert loaded.terrain.paths() == [files.dem]
    assert set(loaded.skipped()) == {"vegetation", "ground temperature", "ground ice", "pits and heaps"}


def test_outlines_in_degrees_lie_where_they_did(config, tmp_path):
    outlines = tmp_path / "mine.geojson"
    gpd.read_file(config.mine.outlines).to_crs("EPSG:4326").to_file(outlines, driver="GeoJSON")
    inputs = [
        mining.inspect(updated(config, mine=updated(config.mine, outlines=p))) for p in (outlines, config.mine.outlines)
    ]
    first, second = (one.works.to_crs("EPSG:32647").geometry for one in inputs)
    assert (first.symmetric_difference(second).area < 1.0).all()
