"""The recession product: from files to the store, tables and report, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
import yaml
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.engine import Cluster, ClusterKind
from cryoscale.errors import ConfigError, InputError, StoreError
from cryoscale.hydrology import annual_climate, attribute, correlate_years, recession_constant, recessions_of_gauges
from cryoscale.products import recession
from cryoscale.products.recession_inputs import (
    AttributionOptions,
    ClimateSource,
    Comparison,
    Events,
    Fit,
    GaugeSource,
    RecessionConfig,
)
from cryoscale.readers import read_basin_climate
from cryoscale.scenes.basin import Basin, basin_scene, write_basin
from cryoscale.store import Provenance, create_group, open_store, save_small


@pytest.fixture(scope="module")
def basin() -> Basin:
    return basin_scene(1991, 24, disturbed_after=14)


@pytest.fixture(scope="module")
def files(basin: Basin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("basin")
    write_basin(basin, folder)
    one = pd.read_csv(folder / "discharge.csv")
    short = one.iloc[: 366 * 2]  # fewer years than a window
    still = one.assign(flow=1.0)
    gauges = {"north": one, "east": one.assign(flow=2 * one.flow), "short": short, "still": still}
    pd.concat([rows.assign(station=name) for name, rows in gauges.items()]).to_csv(folder / "gauges.csv", index=False)
    return folder


@pytest.fixture
def config(files: Path, tmp_path: Path) -> RecessionConfig:
    return RecessionConfig(
        gauges=GaugeSource(path=files / "discharge.csv", unit="m3 s-1", columns={"discharge": "flow"}),
        fit=Fit(exponent=1.2, replicates=100),
        attribution=AttributionOptions(
            disturbance=2005,
            climate=ClimateSource(table=files / "climate.csv", predictors=("air_temperature", "snow_depth")),
        ),
        deformation=files / "deformation.csv",
        comparisons=(Comparison(name="Thaw depth", path=files / "thaw_depth.csv", column="thaw_depth", unit="m"),),
        output=tmp_path / "results",
    )


@pytest.fixture
def many(files: Path, tmp_path: Path) -> RecessionConfig:
    columns = {"discharge": "flow", "gauge": "station"}
    return RecessionConfig(
        gauges=GaugeSource(path=files / "gauges.csv", unit="m3 s-1", columns=columns, missing=(-9999, -19998)),
        fit=Fit(exponent=1.2, replicates=100),
        output=tmp_path / "results",
    )


def test_numbers_are_those_of_the_library(config: RecessionConfig, basin: Basin) -> None:
    recession.run(config)
    stored = open_store(config.output / "recession.zarr").sel(gauge="1").to_dataframe()
    flow = config.gauges.read().series()
    windows = recession_constant(flow, 5, fit=config.fit.rules())
    for name in ("recession_constant", "recession_time_upper", "n_events", "reference_discharge"):
        np.testing.assert_array_equal(stored[name], windows[name])

    climate = pd.read_csv(config.attribution.climate.table, index_col="year")[["air_temperature", "snow_depth"]]
    options = config.attribution
    found = attribute(windows.recession_constant, climate, disturbance=2005, window=5, noise=options.noise)
    written = pd.read_csv(config.output / "tables/attribution.csv", index_col="year")
    pd.testing.assert_frame_equal(written[["predicted", "lower"]], found.predicted[["predicted", "lower"]])
    page = (config.output / "report.html").read_text()
    assert f"{found.effect.mean:+.2f}" in page
    assert f"{found.noise_correlation:.2f}</td>" in page

    smooth = basin.thaw_depth.round(4).rolling(5, center=True).mean()
    rho = correlate_years(windows.recession_constant, smooth, window=5).r
    assert f"ρ = {rho:+.2f}" in page


def test_tables_figures_and_configuration(config: RecessionConfig) -> None:
    outcome = recession.run(config)
    assert {path.name for path in (config.output / "tables").iterdir()} == {
        "attribution.csv",
        "changes.csv",
        "climate.csv",
        "coefficients.csv",
        "deformation.csv",
        "events.csv",
        "windows.csv",
    }
    assert {path.stem for path in (config.output / "figures").iterdir()} == {
        "events_1",
        "constants_1",
        "attribution",
        "climate_correlation",
        "joint",
        "comparison_Thaw_depth",
    }
    assert RecessionConfig.load(config.output / "config.yaml") == config
    assert [table.title for table in outcome.tables] == [
        "Trend (Mann-Kendall, Sen) and change point (Pettitt)",
        "Effect of the disturbance",
        "Rank correlation with other series",
    ]
    periods = pd.read_csv(config.output / "tables/deformation.csv")
    series = open_store(outcome.store).recession_constant[0].to_series()
    for row in periods.to_dict("records"):
        inside = series.loc[row["first"] : row["last"]]
        assert row["n_windows"] == len(inside)
        assert row["recession"] == pytest.approx(inside.mean(), nan_ok=True)


def test_constants_are_stored_once(config: RecessionConfig) -> None:
    first = recession.run(config)
    before = (first.store / "zarr.json").stat().st_mtime_ns
    recession.run(config)
    assert (first.store / "zarr.json").stat().st_mtime_ns == before
    other = config.model_copy(update={"fit": Fit(exponent=1.3, replicates=100)})
    with pytest.raises(StoreError, match=r"fit.exponent: 1.2 in the store, 1.3 now"):
        recession.run(other)
    recession.run(other, overwrite=True)
    assert float(open_store(first.store).recession_exponent.max()) == 1.3


def test_many_gauges_and_why_some_have_none(many: RecessionConfig) -> None:
    outcome = recession.run(many)
    store = open_store(outcome.store)
    assert store.gauge.values.tolist() == ["east", "north", "short", "still"]
    status = store.recession_status.load()
    whole = status.sel(year=slice(1993, 2012))
    assert (whole.sel(gauge=["east", "north"]) == 1).all()
    assert (whole.sel(gauge="still") == 3).all()
    assert sorted(np.unique(status.sel(gauge="short"))) == [0, 5]
    assert "more than the record has" in "".join(store.reason.sel(gauge="short").values)
    # twice the discharge at b = 1.2 recedes in the same time
    time = store.recession_time
    np.testing.assert_allclose(time.sel(gauge="east"), time.sel(gauge="north"), rtol=1e-9)
    direct = recessions_of_gauges(many.gauges.read().table, 5, fit=many.fit.rules())
    np.testing.assert_array_equal(time.sel(gauge="north", year=slice(1993, 2012)), direct.recession_time["north"])
    events = pd.read_csv(many.output / "tables/events.csv")
    assert set(events.gauge) == {"east", "north", "short"}
    assert (many.output / "report.html").read_text().count("<h2>Recession of gauge") == 2


def test_processes_give_what_threads_give(many: RecessionConfig, tmp_path: Path) -> None:
    cluster = Cluster(kind=ClusterKind.LOCAL, workers=1, memory="1 GiB")
    other = many.model_copy(update={"cluster": cluster, "output": tmp_path / "other"})
    one, two = (open_store(recession.run(each).store).load() for each in (many, other))
    xr.testing.assert_equal(one, two)


def test_the_plan_counts_gauges_and_years(many: RecessionConfig) -> None:
    plan = recession.plan(many)
    assert plan.grid.startswith("4 gauges, 75 gauge-years from 1991 to 2014")
    assert plan.steps[0].shape == (4, 24)
    assert plan.steps[0].bytes_read == many.gauges.path.stat().st_size
    assert plan.steps[0].bytes_written > 4 * 24 * 12 * 8
    assert not many.output.exists()


def test_climate_of_era5_files(config: RecessionConfig, basin: Basin, tmp_path: Path) -> None:
    time = pd.date_range("1990-01-01", "2014-12-01", freq="MS", unit="ns")
    rng = np.random.default_rng(0)
    yearly = basin.climate.air_temperature.reindex(time.year).bfill().to_numpy()[:, None, None]
    t2m = 273.15 + yearly + 12 * np.sin((time.month.to_numpy()[:, None, None] - 4) / 6 * np.pi)
    coords = {"valid_time": time, "latitude": [38.0, 37.9], "longitude": [99.0, 99.1]}
    fields = {"t2m": (t2m + np.zeros((1, 2, 2)), "K"), "tp": (rng.gamma(4, 5e-4, (time.size, 2, 2)), "m")}
    dims = ("valid_time", "latitude", "longitude")
    data = {name: (dims, values.astype("float32"), {"units": unit}) for name, (values, unit) in fields.items()}
    xr.Dataset(data, coords).to_netcdf(tmp_path / "era5.nc")
    outline = gpd.GeoDataFrame(geometry=[shapely.box(99.0, 37.88, 99.08, 38.03)], crs="EPSG:4326")
    outline.to_file(tmp_path / "basin.gpkg")
    source = ClimateSource(era5=(tmp_path / "era5.nc",), basin=tmp_path / "basin.gpkg", thaw_months=(6, 7, 8))
    options = config.attribution.model_copy(update={"climate": source})
    chosen = config.model_copy(update={"attribution": options})
    recession.run(chosen)
    written = pd.read_csv(config.output / "tables/climate.csv", index_col="year")
    expected = annual_climate(read_basin_climate([tmp_path / "era5.nc"], outline), thaw_months=(6, 7, 8))
    pd.testing.assert_frame_equal(written, expected, check_index_type=False)
    np.testing.assert_allclose(written.air_temperature.loc[1991:], basin.climate.air_temperature, atol=0.2)
    before = (config.output / "climate.zarr/zarr.json").stat().st_mtime_ns
    recession.run(chosen)
    assert (config.output / "climate.zarr/zarr.json").stat().st_mtime_ns == before
    lacking = source.model_copy(update={"predictors": ("snow_depth",)})
    with pytest.raises(InputError, match="snow_depth is not in the files of ERA5-Land; they have air_temperature"):
        recession.run(chosen.model_copy(update={"attribution": options.model_copy(update={"climate": lacking})}))


def test_deformation_of_a_long_term_store(config: RecessionConfig, tmp_path: Path) -> None:
    rate = xr.Dataset({"vertical_rate": (("y", "x"), np.array([[-4.0, -6.0]]), {"units": "mm a-1"})})
    store = tmp_path / "record.zarr"
    create_group(store, {})
    provenance = Provenance("longterm-record", {}, {})
    save_small(rate.assign_attrs(first="2007-05-01", last="2010-09-01"), store / "ALOS-1", provenance=provenance)
    recession.run(config.model_copy(update={"deformation": store}))
    periods = pd.read_csv(config.output / "tables/deformation.csv")
    assert periods[["quantity", "first", "last", "mean", "spread"]].values.tolist() == [
        ["vertical_rate", 2007, 2010, -5.0, 1.0]
    ]
    assert periods.n_windows.tolist() == [4]


def test_rain_ends_events(config: RecessionConfig) -> None:
    gauges = config.gauges.model_copy(update={"columns": {"discharge": "flow", "rain": "rain"}})
    wet = config.model_copy(update={"gauges": gauges, "events": Events(maximum_rain=0.2, minimum_declines=4)})
    recession.run(wet)
    events = pd.read_csv(config.output / "tables/events.csv", parse_dates=["start", "end"])
    rain = gauges.read().table.set_index("time").rain
    assert len(events) > 5
    assert all(rain[row.start : row.end].max() <= 0.2 for row in events.itertuples())


BAD = [
    ({"gauges.path": "nowhere.csv"}, "nowhere.csv is not there"),
    ({"gauges.unit": "gallons"}, "the unit 'gallons' is unknown"),
    ({"gauges.columns": {"discharge": "Q"}}, "it needs Q"),
    ({"fit.window": 4}, "fit.window: must be 1, 3 or 5"),
    ({"fit.replicates": 5}, "fit: replicates: must be at least 100, not 5"),
    ({"events.season": [10, 3]}, "events: season: (10, 3) is no span of months"),
    ({"events.maximum_rain": 1.0}, "events.maximum_rain needs rain"),
    ({"events.minimum_declines": 90}, "has a recession constant. The commonest reason: 0 events, 3 are needed"),
    ({"gauge": "south"}, "'south' is not in"),
    ({"attribution.disturbance": 1992}, "disturbance 1992: 0 windows of 5 years before it"),
    ({"attribution.climate.predictors": ["sun"]}, "it needs sun"),
    ({"attribution.climate": {}}, "give either table, or era5 with basin"),
    ({"attribution.climate": {"era5": ["no.nc"], "basin": "no.gpkg"}}, "no.nc is not there"),
    ({"deformation": "climate.csv"}, "it needs quantity, first, last, mean, spread"),
    ({"comparisons": [{"name": "a", "path": "climate.csv", "column": "b"}]}, "climate.csv: has the columns"),
    ({"noise": "white"}, "noise: unknown key"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_bad_input_through_the_command_line(files: Path, tmp_path: Path, changes: dict, message: str) -> None:
    content = {
        "gauges": {"path": str(files / "discharge.csv"), "unit": "m3 s-1", "columns": {"discharge": "flow"}},
        "fit": {"exponent": 1.2, "replicates": 100},
        "attribution": {"disturbance": 2005, "climate": {"table": str(files / "climate.csv")}},
        "output": str(tmp_path / "results"),
    }
    path = files / "bad.yaml"
    path.write_text(yaml.safe_dump(content))
    arguments = [f"--set={key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in changes.items()]
    with pytest.raises((InputError, ConfigError)) as raised:
        CliRunner().invoke(app, ["recession", str(path), *arguments], catch_exceptions=False)
    assert message in str(raised.value)


def test_several_gauges_and_none_named(many: RecessionConfig, config: RecessionConfig) -> None:
    unclear = many.model_copy(update={"attribution": config.attribution})
    with pytest.raises(InputError, match=r"has 4 gauges \(east, north, short, still\). Say which one"):
        recession.run(unclear)
    named = unclear.model_copy(update={"gauge": "north"})
    page = recession.run(named).report.read_text()
    assert "Recession of gauge north" in page
    assert "Recession of gauge east" not in page


def test_an_error_comes_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("gauges: {path: q.csv, unit: m3 s-1}")
    command = [sys.executable, "-m", "cryoscale", "recession", "config.yaml"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 1
    assert "q.csv is not there" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_template_loads_once_it_is_filled_in(files: Path, tmp_path: Path) -> None:
    text = RecessionConfig.template()
    assert "# exponent b where it is fixed; null: fitted" in text
    fields = yaml.safe_load(text.replace("# required", ""))
    assert set(fields) == set(RecessionConfig.model_fields)
    fields["gauges"]["path"] = str(files / "discharge.csv")
    del fields["comparisons"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(fields))
    loaded = RecessionConfig.load(tmp_path / "config.yaml")
    assert loaded.fit == Fit()
    assert loaded.gauges.missing == GaugeSource(path=files / "discharge.csv").missing
