import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from typer.testing import CliRunner

from cryoscale.cli import app
from cryoscale.engine import Cluster
from cryoscale.errors import InputError
from cryoscale.products import active_layer, demo_active_layer
from cryoscale.products.active_layer_inputs import ActiveLayerConfig, inspect
from cryoscale.products.fine_temperature import Calendar, Period, Sharpening
from cryoscale.scenes import active_layer_files, active_layer_scene, write_active_layer
from cryoscale.store import open_store
from cryoscale.thermal.footprint import block_means, interpolate

pytestmark = pytest.mark.usefixtures("fresh_process")

STORES = ("land", "ndvi_learned", "ndvi", "detail_learned", "detail", "thaw", "active_layer")


@pytest.fixture(scope="module")
def scene():
    """Four years, of which every fourth day has images."""
    whole = active_layer_scene((192, 192), (2019, 2022))
    days = np.arange(whole.lst.sizes["time"])
    return replace(whole, lst=whole.lst.isel(time=(days % 4 == 0) | (days == days[-1])))


@pytest.fixture(scope="module")
def folder(scene, tmp_path_factory):
    root = tmp_path_factory.mktemp("active_layer")
    write_active_layer(scene, root / "scene")
    options = {"sharpening": Sharpening(trees=8, n_folds=3, block_size=1), "cluster": Cluster(workers=2)}
    config = demo_active_layer._config().model_copy(update=options)
    (root / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def finished(folder):
    result = CliRunner().invoke(app, ["demo-active-layer", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder / "results"


@pytest.fixture
def config(folder, tmp_path):
    loaded = ActiveLayerConfig.load(folder / "config.yaml")
    return loaded.model_copy(update={"output": tmp_path / "results"})


def opened(results, name):
    return open_store(results / f"{name}.zarr").compute()


def test_thickness_is_that_of_the_truth(finished, scene):
    layer = opened(finished, "active_layer").active_layer_thickness
    error = (layer.values - scene.truth.active_layer_thickness.values).ravel()
    error = error[np.isfinite(error)]
    assert error.size > 50_000
    assert abs(error.mean()) < 0.05
    assert np.sqrt((error**2).mean()) < 0.12


def test_report_tells_the_errors_of_temperature_and_thickness(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    for part in ("Daily surface temperature at 30 m", "Thawing index", "Active layer", "Against the truth", "Trend"):
        assert part in page


def test_days_keep_the_means_of_the_images(finished):
    """A detail of zero mean on a field that keeps means: every coarse day comes back."""
    daily, detail, nodes = opened(finished, "daily"), opened(finished, "detail"), opened(finished, "nodes")
    calendar = Calendar((2019, 2020, 2021, 2022), Period.SEASON)
    for day in (100, 700, 1200):
        step = calendar.step_of(daily.time.values[[day]])[0]
        smooth = interpolate(nodes.smooth_lst.values[[day]].astype(float), (32, 32))
        fine = smooth + detail.lst_detail.values[[step]]
        np.testing.assert_allclose(block_means(fine, (32, 32))[0], daily.daily_lst.values[day], atol=1e-3)


def test_a_run_goes_on_where_it_was_and_tiles_make_no_difference(finished, config, monkeypatch):
    monkeypatch.setattr(active_layer, "publish", lambda *_, **__: None)
    monkeypatch.setattr(active_layer, "choose_tiles", lambda *_: (96, 64))
    active_layer.run(config)
    for name in STORES:
        store = config.output / f"{name}.zarr"
        lazy = [str(v) for v, array in open_store(store).items() if {"y", "x"} <= set(array.dims)]
        chunks = [path for v in lazy for path in sorted((store / v / "c").rglob("*")) if path.is_file()]
        for chunk in chunks[::3]:
            chunk.unlink()
    active_layer.run(config)
    for name in STORES:
        xr.testing.assert_equal(opened(config.output, name), opened(finished, name))


def test_rock_water_and_ground_without_permafrost_have_no_active_layer(finished, scene):
    status = opened(finished, "active_layer").active_layer_status.values
    assert (status[:, scene.water.values] == 2).all()
    layer = opened(finished, "active_layer").active_layer_thickness.values
    assert np.isnan(layer[status != 1]).all()


def test_a_plan_prints_and_a_template_loads(folder, tmp_path):
    runner = CliRunner()
    printed = runner.invoke(app, ["active-layer", str(folder / "config.yaml"), "--plan"], catch_exceptions=False)
    assert "thawing index" in printed.output
    template = runner.invoke(app, ["active-layer", "--template"], catch_exceptions=False).output
    filled = template.replace("# required", '"x"')
    (tmp_path / "template.yaml").write_text(filled, encoding="utf-8")
    assert ActiveLayerConfig.load(tmp_path / "template.yaml").sharpening == Sharpening()


def changed(config, **parts):
    return config.model_copy(update=parts)


def test_years_must_be_whole(config):
    lst = config.lst.model_copy(
        update={"start": pd.Timestamp("2019-02-01").date(), "end": pd.Timestamp("2020-03-01").date()}
    )
    with pytest.raises(InputError, match=r"the images from 2019-02-\d\d to 2020-02-\d\d cover no calendar year whole"):
        inspect(changed(config, lst=lst))


def test_vegetation_must_be_of_the_same_years(config, tmp_path):
    shutil.copytree(config.ndvi.path, tmp_path / "ndvi")
    for path in sorted((tmp_path / "ndvi").iterdir()):
        path.rename(path.with_name(path.name.replace("_20", "_19")))
    ndvi = config.ndvi.model_copy(update={"path": tmp_path / "ndvi"})
    with pytest.raises(InputError, match="but the surface temperatures are of 2019 to 2022"):
        inspect(changed(config, ndvi=ndvi))


def rewritten(source, target, edit):
    """A raster with other numbers, and without its scale."""
    with rasterio.open(source) as old:
        profile = {
            name: old.profile[name] for name in ("height", "width", "count", "dtype", "crs", "transform", "nodata")
        }
        values = edit(old.read(1))
    target.parent.mkdir(exist_ok=True)
    with rasterio.open(target, "w", driver="GTiff", **profile) as new:
        new.write(values, 1)


def test_vegetation_must_be_scaled(config, tmp_path):
    for path in config.ndvi.path.iterdir():
        rewritten(path, tmp_path / "ndvi" / path.name, lambda values: values)
    ndvi = config.ndvi.model_copy(update={"path": tmp_path / "ndvi"})
    with pytest.raises(InputError, match=r"ndvi is -?\d+ somewhere, but must be -1 to 1"):
        active_layer.run(changed(config, ndvi=ndvi))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.assign(active_layer_thickness=100 * t.active_layer_thickness), "must be in m, 0 to 20"),
        (lambda t: t.assign(longitude=10.0), "outside the grid|none|no place"),
    ],
)
def test_sites_must_be_in_metres_and_on_the_grid(config, tmp_path, edit, message):
    edit(pd.read_csv(config.sites)).to_csv(tmp_path / "sites.csv", index=False)
    with pytest.raises(InputError, match=message):
        inspect(changed(config, sites=tmp_path / "sites.csv"))


def test_holes_in_the_dem_have_no_active_layer(config, tmp_path, monkeypatch):
    """Where a covariate is missing there is the smooth field, and the rest of the map is as it was."""
    monkeypatch.setattr(active_layer, "publish", lambda findings, **_: findings)
    path = tmp_path / "dem.tif"

    def with_hole(values):
        values[40:44, 50:60] = np.nan
        return values

    rewritten(config.land.elevation, path, with_hole)
    land = config.land.model_copy(update={"elevation": path})
    found = active_layer.run(changed(config, land=land))
    assert bool(np.isfinite(found.thaw.ddt).all())


def test_an_area_smaller_than_an_image_pixel_is_refused(config):
    sharpening = Sharpening(lst_factor=256)
    with pytest.raises(InputError, match="192 x 192 pixels are less than one of the images, 256 x 256"):
        inspect(changed(config, sharpening=sharpening))


def test_files_of_the_scene_are_where_the_demo_looks(folder):
    files = active_layer_files(folder / "scene")
    assert files.dem.exists()
    assert files.sites.exists()
