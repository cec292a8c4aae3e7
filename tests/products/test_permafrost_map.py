"""The permafrost map from files to stores: the same bytes on every way, and what is refused before long work."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import rasterio
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.engine import Cluster
from cryoscale.errors import InputError, StoreError
from cryoscale.products import permafrost_map
from cryoscale.products.conductivity import Calibration, Conductivity
from cryoscale.products.permafrost_checks import Validation
from cryoscale.products.permafrost_inputs import Blocks
from cryoscale.products.permafrost_map import run
from cryoscale.store import open_store

pytestmark = pytest.mark.usefixtures("fresh_process")

STORES = ("land", "images", "ground_temperature", "degree_days", "permafrost")


def updated(config, **changes):
    return config.model_copy(update=changes)


def arrays(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("c/**/*") if p.is_file()}


@pytest.fixture
def results(mapped, tarim_folder):
    assert mapped.exit_code == 0, mapped.output
    return tarim_folder / "results"


@pytest.fixture
def stores_only(monkeypatch):
    """Runs end with their stores: drawing the report takes longer than they do."""
    monkeypatch.setattr(permafrost_map, "publish", lambda findings, **_: findings)


@pytest.fixture
def begun(results, map_config):
    """A function that gives a run's folder some of the finished stores."""

    def copy(*names):
        for name in names:
            shutil.copytree(results / f"{name}.zarr", map_config.output / f"{name}.zarr")

    return copy


def test_all_stores_are_valid_and_say_what_they_hold(results):
    checked = CliRunner().invoke(app, ["validate", str(results / "permafrost.zarr")])
    assert checked.exit_code == 0, checked.output
    permafrost, ground = (open_store(results / f"{name}.zarr") for name in ("permafrost", "ground_temperature"))
    assert permafrost.attrs["product"] == "permafrost-map"
    assert permafrost.mean_ttop.attrs["units"] == "degC"
    assert ground.ground_surface_temperature.dims == ("time", "y", "x")
    assert permafrost.odc.geobox == ground.odc.geobox
    assert permafrost.ground_class.year.values.tolist() == [2006]


@pytest.mark.usefixtures("stores_only")
def test_a_second_run_writes_nothing(results, map_config):
    before = {p: p.stat().st_mtime_ns for name in STORES for p in (results / f"{name}.zarr").rglob("*") if p.is_file()}
    run(updated(map_config, output=results))
    assert {p: p.stat().st_mtime_ns for p in before} == before


@pytest.mark.usefixtures("stores_only")
def test_an_interrupted_run_goes_on_to_the_same_bytes(results, map_config, begun):
    begun(*STORES)
    removed = 0
    for name in STORES:
        store = map_config.output / f"{name}.zarr"
        for variable in open_store(store).data_vars:
            for chunk in sorted(p for p in (store / variable).rglob("c/**/*") if p.is_file())[1::3]:
                chunk.unlink()
                removed += 1
    assert removed > 60
    run(map_config)
    for name in STORES:
        assert arrays(map_config.output / f"{name}.zarr") == arrays(results / f"{name}.zarr"), name


@pytest.mark.usefixtures("stores_only")
def test_other_processes_and_other_blocks_change_no_bit(results, map_config, monkeypatch):
    """Images in two parts, each of which takes neighbours from the other."""
    blocks = Blocks(days=64, images=(40, 24), tile=(40, 24))
    monkeypatch.setattr(permafrost_map, "choose_blocks", lambda *_: blocks)
    run(updated(map_config, cluster=Cluster(kind="local", workers=2, memory="2 GiB")))
    for name in STORES:
        ours, others = (open_store(folder / f"{name}.zarr") for folder in (results, map_config.output))
        if name == "ground_temperature":
            assert ours.ground_surface_temperature.chunks != others.ground_surface_temperature.chunks
            border = others.isel(x=slice(20, 28)).compute()
            kriged = border.ground_surface_temperature.notnull() & (border.n_overpasses == 0)
            assert bool(kriged.any(["time", "y"]).all())  # so that the other part is needed
        for variable in ours.data_vars:
            assert ours[variable].values.tobytes() == others[variable].values.tobytes(), (name, variable)


@pytest.mark.usefixtures("stores_only")
def test_another_configuration_on_the_same_folder_is_refused(results, map_config):
    fewer = updated(map_config, output=results, gaps=updated(map_config.gaps, neighbours=8))
    with pytest.raises(StoreError, match=r"ground_temperature.zarr: was made by another run:\n  - config.gaps.neighb"):
        run(fewer)
    warmer = updated(map_config, output=results, conductivity=Conductivity(calibration=Calibration.NONE))
    with pytest.raises(StoreError, match=r"permafrost.zarr: was made by another run:\n  - config.rk"):
        run(warmer)


def test_classes_without_a_ratio_are_refused_before_long_work(map_config, tmp_path):
    table = tmp_path / "rk.csv"
    table.write_text("class,rk,rk_error,name\n150,0.95,0.05,sparse\n200,0.95,0.05,bare\n")
    config = updated(map_config, conductivity=Conductivity(table=table))
    with pytest.raises(InputError, match=r"land cover: classes without rk: \d+ \(\d+ pixels\).* Add them to the table"):
        run(config)
    assert not (config.output / "images.zarr").exists()


def emptied(path, folder, *, shift=0.0):
    """A copy of a raster without a class, and perhaps elsewhere."""
    with rasterio.open(path) as source:
        profile = source.profile | {
            "driver": "GTiff",
            "transform": source.transform @ rasterio.Affine.translation(shift, 0),
        }
        with rasterio.open(folder / path.name, "w", **profile) as target:
            target.write(np.full(source.shape, 3, "uint8"), 1)
    return folder / path.name


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        (5000.0, r"survey_western.tif: .*overlap"),
        (0.0, "validation.surveys: no pixel of the grid has a class in any of them. Check their place, their CRS"),
    ],
)
def test_surveys_that_say_nothing_are_refused_before_long_work(map_config, tmp_path, shift, message):
    survey = map_config.validation.surveys[0]
    empty = survey.model_copy(update={"path": emptied(survey.path, tmp_path, shift=shift)})
    with pytest.raises(InputError, match=message):
        run(updated(map_config, validation=Validation(surveys=(empty,))))
    assert not (map_config.output / "images.zarr").exists()


def test_years_with_too_few_days_are_refused_with_their_number(map_config, begun):
    begun("land", "images", "ground_temperature")
    strict = updated(map_config, degree_days=updated(map_config.degree_days, min_days=300))
    message = (
        r"degree_days: no pixel has sums of a year. At most \d\d days of a thawing year and \d\d of a freezing year "
        "have a temperature, and min_days is 300. Lower it"
    )
    with pytest.raises(InputError, match=message):
        run(strict)


@pytest.mark.usefixtures("stores_only")
def test_ground_with_some_days_too_few_is_no_data(results, map_config, begun):
    begun("land", "images", "ground_temperature")
    sums = open_store(results / "degree_days.zarr")
    fewest = np.minimum(sums.observed_thawing_year, sums.observed_freezing_year).isel(year=0).values
    limit = int(np.quantile(fewest, 0.3)) + 1
    days = updated(map_config.degree_days, min_days=limit)
    findings = run(updated(map_config, degree_days=days, conductivity=Conductivity()))
    lacking = fewest < limit
    assert 0.1 < lacking.mean() < 0.9
    permafrost = findings.permafrost.compute()
    assert bool(permafrost.mean_ttop.where(lacking).isnull().all())
    assert set(np.unique(permafrost.mean_ground_class.values[lacking])) <= {0, 3, 4}
    finished = open_store(results / "degree_days.zarr").ddt.values[:, ~lacking]
    np.testing.assert_array_equal(findings.degree_days.ddt.values[:, ~lacking], finished)


@pytest.mark.usefixtures("stores_only")
def test_where_the_dem_ends_gaps_stay(map_config, tmp_path):
    """Pixels without an elevation keep what was seen of them; nothing is kriged there."""
    with rasterio.open(map_config.land.elevation) as dem:
        half = rasterio.windows.Window(0, 0, dem.width // 2, dem.height)
        profile = dem.profile | {"driver": "GTiff", "width": half.width}
        with rasterio.open(tmp_path / "half.tif", "w", **profile) as target:
            target.write(dem.read(1, window=half), 1)
    land = updated(map_config.land, elevation=tmp_path / "half.tif")
    ground = run(updated(map_config, land=land)).ground.compute()
    known = ground.ground_surface_temperature.notnull().values
    seen = ground.n_overpasses.values > 0
    west, east = np.s_[:, :, :24], np.s_[:, :, 25:]
    np.testing.assert_array_equal(known[east], seen[east])
    assert known[west].mean() > 1.1 * seen[west].mean()
    assert bool(open_store(map_config.output / "land.zarr").elevation[:, 25:].isnull().all())


@pytest.mark.usefixtures("stores_only")
def test_one_station_gives_a_map_whose_error_is_not_known(map_config, tmp_path, begun):
    table = pd.read_csv(map_config.stations)
    table[table.station == table.station.iloc[0]].to_csv(tmp_path / "one.csv", index=False)
    begun("land")
    config = updated(map_config, stations=tmp_path / "one.csv", conductivity=Conductivity())
    permafrost = run(config).permafrost
    assert set(np.unique(permafrost.mean_ground_class)) >= {1, 2}
    assert bool(permafrost.mean_ttop_error.isnull().all())
    run(config)  # goes on: what is not known now was not known then


def test_boreholes_calibrate_too(results, map_config, begun):
    begun("land", "images", "ground_temperature", "degree_days")
    outcome = run(updated(map_config, conductivity=Conductivity(calibration=Calibration.BOREHOLES, min_boreholes=3)))
    page = outcome.report.read_text()
    assert "agrees best with that of the boreholes" in page
    assert "Calibration against the survey" not in page
    changed, before = (open_store(folder / "permafrost.zarr").rk.values for folder in (map_config.output, results))
    assert not np.array_equal(changed, before)


def test_without_anything_to_be_held_against(map_config, begun):
    begun("land", "images", "ground_temperature", "degree_days")
    outcome = run(updated(map_config, conductivity=Conductivity(), validation=Validation()))
    page = outcome.report.read_text()
    assert "<h2>Validation</h2>" not in page
    assert "<h2>Calibration of rk</h2>" not in page
    assert "<h2>Gap filling</h2>" in page
    assert len(outcome.tables) == 1


PROGRAM = """
import json, sys
from pathlib import Path
from cryoscale import thermal
from cryoscale.engine import Cluster, open_scheduler, run
from cryoscale.products.grid import Grid
from cryoscale.products.ground_temperature import compute_ground_temperature, daily_images, station_samples
from cryoscale.products.permafrost_inputs import PermafrostMapConfig, choose_blocks, inspect, plan_run
from cryoscale.store import Provenance, open_store

folder, output, threads = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
config = PermafrostMapConfig.load(folder / "config.yaml")
box = inspect(config).geobox
finer = Grid(crs="EPSG:4326", resolution=box.resolution.x / 12, bounds=tuple(box.boundingbox.bbox))
config = config.model_copy(update={"output": output, "grid": finer, "cluster": Cluster(workers=threads)})
inputs = inspect(config)
blocks = choose_blocks(config, inputs)
predicted = {step.name: step.peak_memory for step in plan_run(config, inputs, blocks).steps}
survey = open_store(folder / "results/images.zarr").compute()
model = thermal.GroundTemperatureModel()
model.fit(station_samples(survey.station_lst, inputs.stations))
fits = thermal.with_season_fallback(survey.drop_dims("station")).isel(time=slice(0, 128))
images = daily_images(inputs.files, inputs.geobox, days=blocks.days, size=blocks.images, source=config.lst)
elevation = config.land.open(inputs.geobox, chunks=blocks.chunks).elevation
with open_scheduler(config.cluster) as scheduler:
    ground = compute_ground_temperature(
        images.isel(time=slice(0, 128)), elevation, fits=fits, model=model, options=config.gaps
    )
    chunks = {"time": blocks.days, **blocks.chunks}
    run(ground, output / "ground.zarr", chunks=chunks, provenance=Provenance("x", {}, {}), scheduler=scheduler)
status = Path("/proc/self/status").read_text()  # getrusage would count the process that this one was forked from
peak = 1024 * int(status.split("VmHWM:")[1].split()[0])
print(json.dumps({"predicted": predicted["ground temperature"], "peak": peak, "images": blocks.images}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_the_plan_predicts_the_peak_within_a_quarter(results, tarim_folder, tmp_path, threads):
    """Of the step that needs the most, on a grid of 480 by 576 pixels."""
    assert results.exists()
    command = [sys.executable, "-c", PROGRAM, str(tarim_folder), str(tmp_path), str(threads)]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(f"{threads} threads: {result['predicted'] / 1e6:.0f} MB predicted, {result['peak'] / 1e6:.0f} MB measured")
    assert result["images"] == [480, 576]
    assert result["peak"] == pytest.approx(result["predicted"], rel=0.25)
