"""What an active-layer run begins with: files, refusals, tiles, and the plan."""

import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml
from affine import Affine
from odc.geo.geobox import GeoBox
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.engine import Cluster
from cryoscale.errors import ConfigError, InputError, ResourceError
from cryoscale.products.active_layer import plan
from cryoscale.products.active_layer_inputs import ActiveLayerConfig, choose_tiles, inspect, plan_run
from cryoscale.products.fine_temperature import Period, Sharpening
from cryoscale.products.grid import Grid
from cryoscale.readers import LstFormat
from cryoscale.store import open_store
from cryoscale.thermal.footprint import coarse_geobox

pytestmark = pytest.mark.usefixtures("fresh_process")

IDLE = 700 * 10**6
"""Bytes of a fresh process in these tests."""


def updated(config, **changes):
    return config.model_copy(update=changes)


def sharpened(config, **changes):
    return updated(config, sharpening=updated(config.sharpening, **changes))


@pytest.fixture
def inputs(valley_config):
    return inspect(valley_config)


@pytest.fixture
def sites_as(valley_config, tmp_path):
    """A function that gives the configuration other sites."""

    def change(edit):
        edit(pd.read_csv(valley_config.sites)).to_csv(tmp_path / "sites.csv", index=False)
        return updated(valley_config, sites=tmp_path / "sites.csv")

    return change


@pytest.fixture
def vegetation_as(valley_config, tmp_path):
    """A function that gives the configuration images of vegetation under other dates; None leaves one out."""

    def change(rename):
        (tmp_path / "ndvi").mkdir()
        for path in valley_config.ndvi.path.iterdir():
            day = rename(pd.Timestamp(path.stem.removeprefix("ndvi_")))
            if day is not None:
                shutil.copy(path, tmp_path / f"ndvi/ndvi_{day:%Y%m%d}.tif")
        return updated(valley_config, ndvi=updated(valley_config.ndvi, path=tmp_path / "ndvi"))

    return change


def test_what_is_found(inputs, valley, valley_config):
    assert inputs.calendar.years == (2019, 2020, 2021, 2022)
    assert inputs.shape == valley.elevation.shape
    assert inputs.fine == valley.elevation.odc.geobox
    assert inputs.lst_grid == valley.lst.odc.geobox
    assert inputs.ndvi_grid == valley.ndvi.odc.geobox
    assert len(inputs.lst.images) == 2 * valley.lst.sizes["time"]
    assert len(inputs.ndvi.dates) == valley.ndvi.sizes["time"]
    assert set(inputs.sites.inside.site) == set(valley.sites.site)
    assert inputs.n_steps == 16
    assert not valley_config.output.exists()


@pytest.mark.parametrize(
    ("start", "end", "years"),
    [
        (None, None, (2019, 2020, 2021, 2022)),
        (date(2020, 12, 20), None, (2021, 2022)),
        (date(2019, 1, 3), None, (2020, 2021, 2022)),
        (None, date(2020, 12, 31), (2019,)),
    ],
)
def test_only_whole_calendar_years_count(valley_config, start, end, years):
    """Without an image of its last day, or one after it, a year is not whole: that of 2020 is of December 29."""
    found = inspect(updated(valley_config, lst=updated(valley_config.lst, start=start, end=end)))
    assert found.calendar.years == years


def test_images_of_no_whole_year_are_refused(valley_config):
    short = updated(valley_config.lst, start=date(2019, 2, 1), end=date(2020, 3, 1))
    message = r"lst: the images from 2019-02-\d\d to 2020-02-\d\d cover no calendar year whole, which a thawing index"
    with pytest.raises(InputError, match=message):
        inspect(updated(valley_config, lst=short))


def test_vegetation_of_other_years_is_refused(vegetation_as):
    message = r"ndvi: holds images from 1999-\d\d-\d\d to 2002-\d\d-\d\d, but the surface .* are of 2019 to 2022\."
    with pytest.raises(InputError, match=message):
        inspect(vegetation_as(lambda day: day.replace(year=day.year - 20, day=min(day.day, 28))))


def test_vegetation_of_summer_alone_is_refused_with_what_is_missing(vegetation_as):
    config = vegetation_as(lambda day: day if day.month in (6, 7, 8) else None)
    message = "ndvi: holds no image of December to February, March to May, September to November in any year"
    with pytest.raises(InputError, match=message):
        inspect(config)


def test_vegetation_that_skips_months_allows_seasons_only(vegetation_as):
    config = vegetation_as(lambda day: day if day.month % 3 == 1 else None)
    assert inspect(config).n_steps == 16
    with pytest.raises(InputError, match=r"no image of February, March, May.*longer parts .*\(sharpening.period\)"):
        inspect(sharpened(config, period=Period.MONTH))


def test_one_year_of_vegetation_is_enough(vegetation_as):
    """Other years take the mean of their part of the year."""
    assert len(inspect(vegetation_as(lambda day: day if day.year == 2020 else None)).ndvi.dates) == 23


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda t: t.assign(active_layer_thickness=100 * t.active_layer_thickness),
            r"sites.csv: active_layer_thickness is \d+ at P\d\d, but must be in m, 0 to 20. Divide centimetres by 100",
        ),
        (lambda t: t.assign(longitude=10.0), r"none of \d+ places lies on the grid .* they have longitudes 10 to 10"),
        (lambda t: t.assign(year=t.year - 20), "sites.csv: thickness was measured from 1999 to 2002, but .* 2019 to"),
        (lambda t: t.drop(columns="year"), "sites.csv: has the columns site.* it needs year"),
        (lambda t: t.iloc[:0], "sites.csv: has no rows"),
    ],
)
def test_sites_that_cannot_be_used_are_refused(sites_as, edit, message):
    with pytest.raises(InputError, match=message):
        inspect(sites_as(edit))


def test_sites_outside_the_grid_are_told_apart(sites_as):
    config = sites_as(lambda t: t.assign(longitude=t.longitude.where(t.site != "P02", 120.0)))
    found = inspect(config).sites
    assert set(found.outside.site) == {"P02"}
    assert "P02" not in set(found.inside.site)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lst_factor": 256}, "grid: 192 x 192 pixels are less than one of the images, 256 x 256. Lower sharpening.ls"),
        ({"ndvi_factor": 7}, "192 x 192 pixels are less than one of the images, 224 x 224"),
        ({"block_size": 6}, "n_folds: is 3, but the 6 x 6 pixels of .* make 1 blocks of 6 x 6. Lower sharpening.block"),
        ({"block_size": 3, "n_folds": 5}, "sharpening.n_folds: is 5, .* make 4 blocks of 3 x 3"),
    ],
)
def test_areas_too_small_for_the_sharpening_are_refused(valley_config, changes, message):
    with pytest.raises(InputError, match=message):
        inspect(sharpened(valley_config, **changes))


def test_a_folder_without_images_is_refused(valley_config, tmp_path):
    with pytest.raises(InputError, match=r"ndvi_nowhere: "):
        inspect(updated(valley_config, ndvi=updated(valley_config.ndvi, path=tmp_path / "ndvi_nowhere")))
    other = updated(valley_config.lst, format=LstFormat.MODIS, pattern=None)
    with pytest.raises(InputError, match="lst: holds no images of the format 'modis'"):
        inspect(updated(valley_config, lst=other))


def test_the_grid_ends_with_whole_pixels_of_the_images(valley_config):
    box = inspect(valley_config).fine
    bounds = (box.boundingbox.left, box.boundingbox.bottom, box.boundingbox.right - 60, box.boundingbox.top)
    narrower = inspect(updated(valley_config, grid=Grid(crs=str(box.crs), resolution=30.0, bounds=bounds)))
    assert narrower.shape == (192, 160)
    assert narrower.lst_grid.shape == (6, 5)
    assert narrower.ndvi_grid.shape == (24, 20)
    assert narrower.fine.transform == box.transform


def memory_of(n_tasks, working, side):
    """So much that a tile of this side fits for each task and one of 32 more does not."""
    return f"{int((IDLE + n_tasks * working * (side + 16) ** 2) / 0.9)} B"


def test_tiles_are_whole_pixels_of_the_images(valley_config, inputs):
    assert choose_tiles(updated(valley_config, cluster=Cluster(workers=2)), inputs) == (64, 64)
    assert choose_tiles(updated(valley_config, cluster=Cluster(workers=1)), inputs) == (96, 96)
    coarser = sharpened(valley_config, lst_factor=48, ndvi_factor=16, n_folds=2)
    assert choose_tiles(coarser, inspect(coarser)) == (48, 48)


def test_tiles_fit_into_memory(valley_config, inputs):
    """The step that needs the most is not above what a worker has."""
    wide = replace(inputs, fine=GeoBox((1024, 1024), Affine(30, 0, 5e5, 0, -30, 42e5), "EPSG:32647"))
    needed = {step.name: step for step in plan_run(valley_config, wide, (32, 32)).steps}["vegetation, as learned"]
    working = (needed.peak_memory - IDLE) // (2 * 32 * 32)
    for side in (32, 64, 256):
        tight = updated(valley_config, cluster=Cluster(workers=2, memory=memory_of(2, working, side)))
        tile = choose_tiles(tight, wide)
        assert tile == (side, side)
        plan_run(tight, wide, tile).require_fit()
    with pytest.raises(ResourceError, match="A tile of 32 x 32 pixels needs"):
        choose_tiles(updated(valley_config, cluster=Cluster(workers=2, memory="700 MB")), wide)


def test_a_store_that_is_there_keeps_its_tiles(valley_results, valley_config, inputs):
    config = updated(valley_config, output=valley_results, cluster=Cluster(workers=1))
    assert choose_tiles(config, inputs) == (64, 64)


def test_the_plan_tells_of_every_step(valley_config):
    found = plan(valley_config)
    assert [step.name for step in found.steps] == [
        "maps of the land",
        "vegetation, as learned",
        "vegetation",
        "temperature, as learned",
        "detail of temperature",
        "thawing index",
        "active layer",
    ]
    assert {(step.tile, step.n_tasks) for step in found.steps} == {((64, 64), 9)}
    found.require_fit()
    assert not valley_config.output.exists()


def test_the_plan_predicts_what_is_written(valley_results, valley_config):
    stores = ("land", "ndvi_learned", "ndvi", "detail_learned", "detail", "thaw", "active_layer")
    for step, name in zip(plan(valley_config).steps, stores, strict=True):
        store = open_store(valley_results / f"{name}.zarr")
        written = sum(array.nbytes for array in store.data_vars.values() if {"y", "x"} <= set(array.dims))
        assert step.bytes_written == pytest.approx(written, rel=0.25), name


def test_a_big_run_is_planned_at_once(valley_config, inputs):
    """The Datong in 25 years; what it needs does not depend on how large the area is, but for the nodes."""
    fine = GeoBox((2016, 3200), Affine(30, 0, 5e5, 0, -30, 42e5), "EPSG:32647")
    calendar = replace(inputs.calendar, years=tuple(range(2000, 2025)))
    big = replace(inputs, fine=fine, lst_grid=coarse_geobox(fine, (32, 32)), calendar=calendar)
    config = updated(valley_config, cluster=Cluster(workers=2, memory="8 GiB"))
    tile = choose_tiles(config, big)
    steps = {step.name: step for step in plan_run(config, big, tile).steps}
    assert tile[0] % 32 == tile[1] % 32 == 0
    assert steps["vegetation"].bytes_written == 4 * 100 * 2016 * 3200
    assert max(step.peak_memory for step in steps.values()) < 8 * 2**30
    assert steps["thawing index"].n_tasks == -(-2016 // tile[0]) * -(-3200 // tile[1])


def test_the_plan_is_printed(valley_folder):
    found = CliRunner().invoke(app, ["active-layer", str(valley_folder / "config.yaml"), "--plan"])
    assert found.exit_code == 0, found.output
    for text in ("192 x 192", "64 x 64", "maps of the land", "thawing index", "active layer", "2 threads", "fits"):
        assert text in found.output


def test_a_run_that_does_not_fit_is_told_so(valley_folder):
    command = ["active-layer", str(valley_folder / "config.yaml"), "--plan", "--set", "cluster.memory=100 MiB"]
    found = CliRunner().invoke(app, command)
    assert isinstance(found.exception, ResourceError)
    assert "cluster.memory" in str(found.exception)


def test_the_template_loads_back(tmp_path):
    template = CliRunner().invoke(app, ["active-layer", "--template"], catch_exceptions=False).output
    required = ("lst.path", "ndvi.path", "ndvi.fine", "land.elevation", "sites")
    with pytest.raises(ConfigError) as refused:
        ActiveLayerConfig.load(write(tmp_path, template))
    for name in required:
        assert name in str(refused.value)
    (tmp_path / "there").touch()
    loaded = ActiveLayerConfig.load(write(tmp_path, template), [f"{name}=there" for name in required])
    assert loaded.sharpening == Sharpening()
    assert loaded.lst.path == tmp_path / "there"
    assert loaded == ActiveLayerConfig.load(write(tmp_path, loaded.to_yaml()))
    assert yaml.safe_load(loaded.to_yaml())["stefan"]["sites"]["window"] == 150.0


def write(folder, text):
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("sharpening.lst_facter=16", "sharpening.lst_facter: unknown key; did you mean 'lst_factor'"),
        ("sharpening.period=week", "sharpening.period: .*'month' or 'season'"),
        ("sharpening.n_folds=1", "sharpening.n_folds: .*2"),
        ("daily.harmonics=0", "daily.harmonics: .*1"),
        ("stefan.sites.min_class_share=80", "stefan.sites.min_class_share: .*1"),
        ("stefan.fit=median", "stefan.fit: .*'least-squares' or 'robust'"),
    ],
)
def test_options_that_are_wrong_are_refused(valley_folder, assignment, message):
    with pytest.raises(ConfigError, match=message):
        ActiveLayerConfig.load(valley_folder / "config.yaml", [assignment])


def test_maps_are_put_on_the_grid(valley_config, inputs, valley):
    maps = valley_config.land.open(inputs.fine, chunks={"y": 64, "x": 64}).compute()
    np.testing.assert_allclose(maps.elevation, valley.elevation, atol=1e-3)
    np.testing.assert_array_equal(maps.land_cover, valley.land_cover)
    np.testing.assert_array_equal(maps.water, valley.water)
    np.testing.assert_array_equal(maps.bare_rock, valley.land_cover == 4)
    np.testing.assert_array_equal(maps.no_permafrost, valley.permafrost == 2)
    only = updated(valley_config.land, classes=None, water=None, bare_classes=(), permafrost=None)
    assert set(only.open(inputs.fine, chunks={"y": 64, "x": 64})) == {"elevation", "land_cover"}


def test_bare_rock_is_that_of_its_map_and_of_the_classes(valley_config, inputs, valley):
    both = updated(valley_config.land, bare_rock=valley_config.land.water)
    found = both.open(inputs.fine, chunks={"y": 64, "x": 64}).bare_rock
    np.testing.assert_array_equal(found, (valley.land_cover == 4) | valley.water)
