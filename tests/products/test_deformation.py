import shutil

import numpy as np
import pytest
import rasterio
import xarray as xr

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.errors import InputError, ResourceError, StoreError
from cryoscale.folders import files_below
from cryoscale.products.corrections import Inputs, Reference, survey
from cryoscale.products.deformation import DeformationConfig, Inversion, compute, plan, run
from cryoscale.scenes import datong_scene
from cryoscale.store import open_store


def updated(config, **changes):
    return config.model_copy(update=changes)


def arrays(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("c/**/*") if p.is_file()}


def rechunked(stack, chunks):
    """As opened from a store: coordinates stay in memory."""
    return stack.assign({name: array.chunk(chunks) for name, array in stack.data_vars.items()})


def found_in(stack, config):
    with open_scheduler(Cluster(workers=1)) as scheduler:
        return survey(Inputs(stack), config.corrections, reference=config.reference, reduce=scheduler.reduce)


@pytest.fixture(scope="module")
def finished(scene, frame, tmp_path_factory):
    from cryoscale.products.stack import StackSource

    latitude, longitude = scene.reference
    config = DeformationConfig(
        stack=StackSource(path=frame),
        output=tmp_path_factory.mktemp("finished"),
        reference=Reference(longitude=longitude, latitude=latitude),
    )
    return config, run(config)


def test_without_noise_it_recovers_the_truth_exactly(config):
    scene = datong_scene(seed=2, shape=(24, 24), end="2018-12-31", looks=np.inf, atmosphere_std=0.0)
    automatic = updated(config, reference=Reference())
    cube = compute(Inputs(scene.stack), automatic, found=found_in(scene.stack, automatic))
    for name in ("displacement", "velocity"):  # known but for the motion of the reference area
        error = cube[name] - scene.truth[name]
        assert float((error.max(["y", "x"]) - error.min(["y", "x"])).max()) < 1e-3


def test_a_pixel_without_data_is_nan_never_zero(config):
    scene = datong_scene(seed=2, shape=(24, 24), end="2017-12-31")
    stack = scene.stack.copy(deep=True)
    stack.unwrapped_phase[:, 3, 4] = np.nan
    stack.coherence[:, 5, 6] = 0.1
    automatic = updated(config, reference=Reference())
    cube = compute(Inputs(stack), automatic, found=found_in(stack, automatic))
    for row, column in ((3, 4), (5, 6)):
        pixel = cube.isel(y=row, x=column)
        assert int(pixel.n_pairs) == 0
        floats = pixel[[name for name in pixel.data_vars if pixel[name].dtype.kind == "f" and name != "mean_coherence"]]
        assert all(bool(array.isnull().all()) for array in floats.values())
    assert bool(cube.velocity.where(cube.n_pairs == 0).isnull().all())


def test_with_noise_it_recovers_the_season(finished, scene):
    cube = open_store(finished[1].store).compute()
    error = cube.seasonal_amplitude - scene.truth.seasonal_amplitude
    assert float(np.sqrt((error**2).mean())) < 0.25 * float(scene.truth.seasonal_amplitude.std())


def test_the_outputs_say_what_they_are(finished):
    config, outcome = finished
    assert {path.name for path in outcome.rasters} >= {"deformation_rate.tif", "seasonal_amplitude.tif"}
    with rasterio.open(config.output / "rasters/deformation_rate.tif") as raster:
        assert raster.crs.to_epsg() == 4326
        assert raster.units == ("mm a-1",)
        assert np.isnan(raster.nodata)
    assert outcome.report.stat().st_size > 50_000
    assert DeformationConfig.load(config.output / "config.yaml") == config


def test_a_second_run_computes_nothing_and_changes_nothing(finished, config):
    before = arrays(finished[1].store)
    run(updated(config, output=finished[0].output))
    assert arrays(finished[1].store) == before


def test_other_workers_give_the_same_bytes(finished, config):
    shutil.copytree(finished[0].output / "stack.zarr", config.output / "stack.zarr")
    run(updated(config, cluster=Cluster(kind="local", workers=2, memory="2 GiB")))
    assert arrays(config.output / "deformation.zarr") == arrays(finished[1].store)


def test_another_configuration_on_the_same_folder_is_refused(finished, config):
    other = updated(config, output=finished[0].output, inversion=Inversion(gamma=1e-3))
    with pytest.raises(StoreError, match=r"config.inversion.gamma: 0.0001 in the store, 0.001 now"):
        run(other)


def test_eager_lazy_and_other_chunks_agree_bit_for_bit(finished, config):
    stack = open_store(finished[0].output / "stack.zarr")
    found = found_in(stack, config)
    eager = compute(Inputs(stack.compute()), config, found=found)
    for chunks in ({"y": 70, "x": 90}, {"y": 13, "x": 17}):
        lazy = compute(Inputs(rechunked(stack, chunks)), config, found=found)
        xr.testing.assert_identical(lazy.compute(), eager)


def test_compute_stays_lazy(finished, config, assert_lazy):
    stack = open_store(finished[0].output / "stack.zarr")
    found = found_in(stack, config)
    with assert_lazy():
        cube = compute(Inputs(stack), config, found=found)
    assert all(cube[name].chunks is not None for name in cube.data_vars)


def test_the_plan_computes_nothing_and_refuses_what_will_not_fit(config):
    planned = plan(config)
    planned.require_fit()
    assert not config.output.exists()
    assert planned.steps[1].bytes_read == 2 * 4 * 70 * 90 * len(list(config.stack.path.glob("*_*/*.unw.tif")))
    with pytest.raises(ResourceError):
        plan(updated(config, cluster=Cluster(workers=2, memory="64 MiB"))).require_fit()


def test_an_empty_interferogram_is_named_or_left_out(config, frame, tmp_path):
    copy = tmp_path / "GEOC"
    shutil.copytree(frame, copy)
    victim = sorted(copy.glob("*_*/*.unw.tif"))[3]
    with rasterio.open(victim, "r+") as raster:
        raster.write(np.zeros(raster.shape, "float32"), 1)
    broken = updated(config, stack=config.stack.model_copy(update={"path": copy}))
    with pytest.raises(InputError, match=rf"{victim.name}: holds no coherent data"):
        run(broken)
    lenient = updated(broken, stack=broken.stack.model_copy(update={"skip_bad": True}))
    outcome = run(lenient)
    assert victim.name in outcome.report.read_text()
    assert int(open_store(outcome.store).n_pairs.max()) == len(list(copy.glob("*_*/*.unw.tif"))) - 1


def test_a_reference_outside_the_grid(config):
    with pytest.raises(InputError, match="longitude 10.0, latitude 10.0: lies outside the grid"):
        run(updated(config, reference=Reference(longitude=10, latitude=10)))


def test_the_automatic_reference_is_reported(finished, config):
    stack = open_store(finished[0].output / "stack.zarr")
    automatic = updated(config, reference=Reference())
    found = found_in(stack, automatic)
    assert bool(found.usable.all())
    cube = compute(Inputs(stack), automatic, found=found)
    assert cube.attrs["reference_area"].startswith("x 99.")


@pytest.mark.slow
def test_stores_in_an_object_store_are_those_of_a_disk(finished, config, bucket):
    """Its bytes, and going on after chunks were lost; rasters, figures and the report stay in the output folder."""
    remote = updated(config, stores=bucket)
    outcome = run(remote)
    assert str(outcome.store) == f"{bucket}/deformation.zarr"
    assert outcome.report.exists()
    for name in ("stack", "deformation", "survey"):
        ours, disk = (folder / f"{name}.zarr" for folder in (bucket, finished[0].output))
        chunks = {file: (ours / file).read_bytes() for file in files_below(ours) if "/c/" in f"/{file}"}
        assert set(chunks) == {file for file in files_below(disk) if "/c/" in f"/{file}"}
        assert all(content == (disk / file).read_bytes() for file, content in chunks.items())
    lost = next(file for file in files_below(bucket / "deformation.zarr") if file.startswith("velocity/c/"))
    content = (bucket / "deformation.zarr" / lost).read_bytes()
    (bucket / "deformation.zarr" / lost).unlink()
    run(remote)
    assert (bucket / "deformation.zarr" / lost).read_bytes() == content
