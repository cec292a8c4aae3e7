import numpy as np
import pytest
import xarray as xr
import zarr

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine.overviews import (
    halve,
    open_overviews,
    overview_factors,
    overview_folder,
    write_overviews,
)
from cryoscale.engine.run import run
from cryoscale.errors import InputError, StoreError
from cryoscale.grids import geobox_of
from cryoscale.store import Provenance, fingerprint, open_store, save_small


@pytest.fixture
def scheduler():
    with open_scheduler(Cluster(workers=2)) as threads:
        yield threads


@pytest.fixture
def store(tmp_path, make_cube, scheduler):
    """A cube of 101 by 75 pixels in tiles of 32, with a hole and a map of classes."""
    cube = make_cube((101, 75))
    hole = (cube.x > 99.02) & (cube.x < 99.03)
    cube = cube.map(lambda array: array.where(~hole) if array.dtype.kind == "f" else array, keep_attrs=True)
    path = tmp_path / "deformation.zarr"
    run(cube, path, chunks={"y": 32, "x": 32}, provenance=Provenance("deformation-cube", {}, {}), scheduler=scheduler)
    return path


def block_means(values, factor):
    """Twice as slow and obvious: means of blocks by the definition, halved one after another."""
    while factor > 1:
        shape = [-(-size // 2) for size in values.shape[-2:]]
        coarse = np.full((*values.shape[:-2], *shape), np.nan)
        for index in np.ndindex(coarse.shape):
            *front, i, j = index
            block = values.astype(float)[(*front, slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2))]
            if np.isfinite(block).any():
                coarse[index] = np.nanmean(block)
        values, factor = coarse.astype("float32"), factor // 2
    return values


def test_every_level_is_the_mean_of_the_finer_one(store, scheduler):
    assert write_overviews(store, scheduler=scheduler, coarsest=30) == [2, 4]
    full = open_store(store)
    for factor, path in open_overviews(store, full).items():
        level = open_store(path)
        expected = block_means(full.deformation_rate.values, factor)
        np.testing.assert_allclose(level.deformation_rate, expected, rtol=1e-6)
        expected = block_means(full.displacement.values, factor)
        np.testing.assert_allclose(level.displacement, expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(level.n_pairs, full.n_pairs[::factor, ::factor])
        assert level.n_pairs.dtype == full.n_pairs.dtype
        assert level.deformation_rate.attrs["units"] == "mm a-1"
        assert level.displacement.encoding["chunks"] == (1, min(32, level.sizes["y"]), min(32, level.sizes["x"]))


def test_levels_lie_on_the_ground_where_the_store_does(store, scheduler):
    write_overviews(store, scheduler=scheduler, coarsest=30)
    full = open_store(store)
    for factor, path in open_overviews(store, full).items():
        geobox, own = geobox_of(open_store(path)), geobox_of(full)
        assert geobox.crs == own.crs
        assert geobox.transform.c == pytest.approx(own.transform.c)
        assert geobox.transform.f == pytest.approx(own.transform.f)
        assert geobox.resolution.x == pytest.approx(factor * own.resolution.x)
        assert geobox.shape == (-(-101 // factor), -(-75 // factor))


def test_halving_stays_lazy_and_does_not_depend_on_chunks(make_cube, assert_lazy):
    cube = make_cube((50, 41))
    with assert_lazy():
        halved = halve(cube, {"y": 8, "x": 8})
    assert halved.chunksizes["y"] == (8, 8, 8, 1)
    xr.testing.assert_identical(halved.compute(), halve(cube.compute(), {"y": 64, "x": 64}).compute())


def test_days_of_the_year_are_not_averaged(make_cube):
    days = make_cube((2, 2)).residual_rms.rename("seasonal_peak").copy(data=[[1.0, 365.0], [365.0, 1.0]])
    assert halve(days.to_dataset(), {"y": 1, "x": 1}).seasonal_peak.values.item() == 1.0


def test_a_store_keeps_its_fingerprint(store, scheduler):
    before = fingerprint([store])
    write_overviews(store, scheduler=scheduler, coarsest=30)
    assert fingerprint([store]) == before
    assert zarr.open_group(overview_folder(store)).attrs["multiscales"]["layout"][1] == {
        "asset": "4",
        "transform": {"scale": [4.0, 4.0]},
    }


def test_overviews_of_another_run_are_not_used_and_are_replaced(store, tmp_path, make_cube, scheduler):
    write_overviews(store, scheduler=scheduler, coarsest=30)
    other = tmp_path / "other.zarr"
    provenance = Provenance("deformation-cube", {"gamma": 1}, {})
    run(make_cube((101, 75), seed=1), other, chunks={"y": 32, "x": 32}, provenance=provenance, scheduler=scheduler)
    store.rename(tmp_path / "old.zarr")
    other.rename(store)
    assert open_overviews(store, open_store(store)) == {}
    write_overviews(store, scheduler=scheduler, coarsest=30)
    full = open_store(store)
    level = open_store(open_overviews(store, full)[2])
    np.testing.assert_allclose(level.residual_rms, block_means(full.residual_rms.values, 2), rtol=1e-6)


def test_half_written_overviews_are_not_used(store, scheduler, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("cryoscale.engine.overviews.consolidate_group", lambda _: None)
        patch.setattr("cryoscale.engine.overviews._multiscales", lambda _: pytest.fail("stopped"))
        with pytest.raises(pytest.fail.Exception):
            write_overviews(store, scheduler=scheduler, coarsest=30)
    assert open_overviews(store, open_store(store)) == {}
    assert write_overviews(store, scheduler=scheduler, coarsest=30) == [2, 4]
    assert list(open_overviews(store, open_store(store))) == [2, 4]


def test_a_small_store_needs_none(store, scheduler):
    assert write_overviews(store, scheduler=scheduler) == []
    assert not overview_folder(store).exists()
    assert open_overviews(store, open_store(store)) == {}


@pytest.mark.parametrize(("shape", "factors"), [((1024, 1), []), ((1025, 1), [2]), ((3, 4097), [2, 4, 8])])
def test_factors(shape, factors):
    assert overview_factors(shape) == factors


def test_tables_and_incomplete_stores_are_refused(store, tmp_path, scheduler):
    table = tmp_path / "climate.zarr"
    rain = xr.Dataset({"precipitation": ("time", [1.0])}, {"time": [np.datetime64("2020-01-01", "ns")]})
    save_small(rain, table, provenance=Provenance("basin-climate", {}, {}))
    with pytest.raises(InputError, match=r"climate.zarr: holds no maps \(dims time\)"):
        write_overviews(table, scheduler=scheduler)
    (store / "n_pairs/c/0/0").unlink()
    with pytest.raises(StoreError, match="1 chunks are missing"):
        write_overviews(store, scheduler=scheduler)
