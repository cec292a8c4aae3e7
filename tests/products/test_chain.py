"""From files to seasons through `run`: delays, ramps, constraint, second pass, and what goes wrong on the way."""

import shutil

import numpy as np
import pytest
import rasterio

from cryoscale.errors import ConfigError, InputError
from cryoscale.products.constraint import Constraint
from cryoscale.products.corrections import Corrections, Ramp, Reference, Troposphere
from cryoscale.products.deformation import DeformationConfig, run
from cryoscale.products.seasons import Seasons
from cryoscale.products.stack import StackSource
from cryoscale.scenes import datong_longterm_scene, write_longterm
from cryoscale.schemas import require_valid
from cryoscale.store import open_store


@pytest.fixture(scope="module")
def scene():
    return datong_longterm_scene(0, shape=(64, 72), end="2018-12-31")


@pytest.fixture(scope="module")
def files(scene, tmp_path_factory):
    return write_longterm(scene, tmp_path_factory.mktemp("longterm"))


@pytest.fixture
def config(scene, files, tmp_path):
    latitude, longitude = scene.reference
    return DeformationConfig(
        stack=StackSource(path=files.sentinel1),
        output=tmp_path / "results",
        corrections=Corrections(troposphere=Troposphere(folder=files.gacos), ramp=Ramp(order=2, stable=files.stable)),
        reference=Reference(longitude=longitude, latitude=latitude),
        constraint=Constraint(rate=files.lband_rate),
        seasons=Seasons(),
    )


def updated(config, **changes):
    return DeformationConfig.model_validate(config.model_dump() | changes)


def rms(error):
    return float(np.sqrt((error.astype("f8") ** 2).mean()))


def test_the_whole_chain_recovers_rate_and_season(config, scene):
    outcome = run(config)
    truth = scene.truth["Sentinel-1"]
    cube, free = (open_store(config.output / f"{name}.zarr").compute() for name in ("deformation", "free"))
    seasons = open_store(config.output / "seasons.zarr").compute()
    observed = cube.n_pairs >= 0.5 * cube.n_pairs.max()
    held, alone = (
        rms((velocity - truth.deformation_rate).where(observed)) for velocity in (cube.velocity, free.velocity)
    )
    season = rms((seasons.mean_thaw_season_deformation - truth.mean_thaw_season_deformation).where(observed))
    print(f"rate RMSE {alone:.2f} free, {held:.2f} constrained, mm a-1; thaw season {season:.2f} mm")
    assert held < 0.5 * alone
    assert season < 0.15 * float(abs(truth.mean_thaw_season_deformation).max())
    report = outcome.report.read_text()
    assert all(
        heading in report for heading in ("Corrections", "Thaw seasons", "Troposphere", "dropped for its closure")
    )
    for name in ("stack", "delays", "free", "deformation", "seasons"):
        require_valid(config.output / f"{name}.zarr")


def test_a_second_run_writes_nothing(config):
    run(config)
    before = {p: p.stat().st_mtime_ns for p in config.output.rglob("c/**/*") if p.is_file() and "survey" not in str(p)}
    run(config)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_missing_delays_are_named_or_left_out(config, files, tmp_path):
    folder = tmp_path / "gacos"
    shutil.copytree(files.gacos, folder)
    victim = sorted(folder.glob("2018*.ztd"))[0]
    victim.unlink()
    strict = Corrections(troposphere=Troposphere(folder=folder))
    day = f"{victim.stem[:4]}-{victim.stem[4:6]}-{victim.stem[6:8]}"
    with pytest.raises(InputError, match=f"zenith_delay: has none of {day}"):
        run(updated(config, corrections=strict.model_dump()))
    lenient = Corrections(troposphere=Troposphere(folder=folder, missing="uncorrected"))
    run(updated(config, corrections=lenient.model_dump(), output=tmp_path / "lenient"))


def test_a_rate_in_another_unit_or_with_too_little_overlap(config, files, tmp_path):
    metres, small = tmp_path / "metres.tif", tmp_path / "small.tif"
    for path in (metres, small):
        shutil.copy(files.lband_rate, path)
    with rasterio.open(metres, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        raster.set_band_unit(1, "m a-1")
    with pytest.raises(InputError, match=r"metres.tif: is in 'm a-1', but velocity must be in 'mm a-1'"):
        run(updated(config, constraint={"rate": metres}))
    with rasterio.open(small, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        values = raster.read(1)
        values[5:] = np.nan
        raster.write(values, 1)
    with pytest.raises(InputError, match=r"have both a value at \d+ positions only, and 1000 are needed"):
        run(updated(config, constraint={"rate": small}))


def test_seasons_that_the_series_does_not_hold(config):
    with pytest.raises(InputError, match="season"):
        run(updated(config, seasons={"start": "05-01", "end": "10-01", "max_gap": 60.0}, stack=_one_summer(config)))


def _one_summer(config):
    """Only the pairs of May to August 2017: no whole thaw season."""
    folder = config.output.parent / "summer"
    for pair in config.stack.path.glob("20170[5-8]*_20170[5-8]*"):
        shutil.copytree(pair, folder / pair.name)
    for file in config.stack.path.glob("*.tif"):
        shutil.copy(file, folder / file.name)
    return {"path": folder}


def test_bad_days_of_the_season_are_refused_before_anything_is_read(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("stack: {path: here}\nseasons: {start: May}")
    with pytest.raises(ConfigError, match="seasons.start"):
        DeformationConfig.load(path)
