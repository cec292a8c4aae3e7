import numpy as np
import pytest
import xarray as xr
import zarr

from cryoscale.engine import Cluster, PixelCost, open_scheduler
from cryoscale.engine.overviews import (
    LARGE,
    LAYERS,
    halve,
    open_overviews,
    overview_factors,
    overview_folder,
    plan_overviews,
    write_overviews,
    write_overviews_if_large,
)
from cryoscale.engine.run import run
from cryoscale.errors import InputError, StoreError
from cryoscale.folders import files_below
from cryoscale.grids import geobox_of
from cryoscale.schemas import damage, require_valid
from cryoscale.store import Provenance, create_group, fingerprint, open_store, save_small


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
        n_dates = min(LAYERS, full.sizes["time"])
        assert level.displacement.encoding["chunks"] == (n_dates, *(min(32, level.sizes[dim]) for dim in "yx"))


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


def test_chunks_of_an_odd_size_are_halved_at_the_same_places(make_cube):
    cube = make_cube((50, 41))
    xr.testing.assert_identical(
        halve(cube.chunk(y=7, x=5), {"y": 7, "x": 5}).compute(), halve(cube, {"y": 64, "x": 64})
    )


@pytest.mark.parametrize(("stored", "expected"), [(20, 8), (12, 4), (6, 2), (5, 1)])
def test_a_chunk_holds_as_many_dates_as_come_from_one_task(make_cube, tmp_path, scheduler, stored, expected):
    one = make_cube((40, 40))[["displacement"]].isel(time=[0])
    start = np.datetime64("2020-01-01", "ns")
    dates = [one.assign_coords(time=[start + np.timedelta64(day, "D")]) + day for day in range(20)]
    series = xr.concat(dates, "time").chunk(time=stored, y=16, x=16)
    path = tmp_path / "seasons.zarr"
    chunks = {"time": stored, "y": 16, "x": 16}
    run(series, path, chunks=chunks, provenance=Provenance("deformation-seasons", {}, {}), scheduler=scheduler)
    write_overviews(path, scheduler=scheduler, coarsest=20)
    level = open_store(overview_folder(path) / "2")
    assert level.displacement.encoding["chunks"] == (expected, 16, 16)
    np.testing.assert_allclose(level.displacement, block_means(series.displacement.values, 2), rtol=1e-6)


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


def written(folder):
    """When each file of a folder was written, and what is in it."""
    return {name: ((folder / name).stat().st_mtime_ns, (folder / name).read_bytes()) for name in files_below(folder)}


def test_whole_overviews_are_left_as_they_are(store, scheduler):
    write_overviews(store, scheduler=scheduler, coarsest=30)
    before = written(overview_folder(store))
    assert write_overviews(store, scheduler=scheduler, coarsest=30) == [2, 4]
    assert written(overview_folder(store)) == before


def test_stopped_ones_go_on_with_what_is_missing(store, scheduler):
    write_overviews(store, scheduler=scheduler, coarsest=30)
    folder = overview_folder(store)
    before = written(folder)
    lost = {"2/displacement/c/0/1/0", "4/n_pairs/c/0/0"}
    for name in lost:
        (folder / name).unlink()
    write_overviews(store, scheduler=scheduler, coarsest=30)
    after = written(folder)
    assert {name: content for name, (_, content) in after.items()} == {n: content for n, (_, content) in before.items()}
    computed = {name for name in after if after[name] != before[name] and "/c/" in name}
    assert lost <= computed
    assert {name.split("/c/")[1].split("/")[-2:] == ["1", "0"] for name in computed if name.startswith("2/")} == {True}


def test_neither_workers_nor_chunks_matter(store, tmp_path, scheduler):
    """The same bytes from fewer workers; the same values from other chunks."""
    write_overviews(store, scheduler=scheduler, coarsest=30)
    folder = overview_folder(store)
    first = {name: content for name, (_, content) in written(folder).items() if "/c/" in name}
    folder.rename(tmp_path / "first")
    with open_scheduler(Cluster(workers=1)) as alone:
        write_overviews(store, scheduler=alone, coarsest=30)
    assert {name: content for name, (_, content) in written(folder).items() if "/c/" in name} == first
    other = tmp_path / "other.zarr"
    cube = open_store(store).chunk(y=64, x=64)
    provenance = Provenance("deformation-cube", {}, {})
    run(cube, other, chunks={"y": 64, "x": 64}, provenance=provenance, scheduler=scheduler)
    write_overviews(other, scheduler=scheduler, coarsest=30)
    for factor in ("2", "4"):
        xr.testing.assert_equal(open_store(overview_folder(other) / factor), open_store(folder / factor))


def test_overviews_are_valid_stores_and_say_what_they_are(store, scheduler):
    write_overviews(store, scheduler=scheduler, coarsest=30)
    folder = overview_folder(store)
    for path in (folder, folder / "2", folder / "4"):
        require_valid(path)
        assert damage(path) == {}
    (folder / "2/displacement/c/0/0/0").unlink()
    with pytest.raises(StoreError, match="2/displacement: 1 chunks are missing"):
        require_valid(folder)


def test_overviews_of_a_store_in_a_group_lie_beside_the_group(store, tmp_path, scheduler):
    group = tmp_path / "record.zarr"
    create_group(group, {})
    member = group / "ALOS_2007-2010"
    store.rename(member)
    before = set(files_below(group))
    write_overviews(member, scheduler=scheduler, coarsest=30)
    assert set(files_below(group)) == before
    assert list(open_overviews(member, open_store(member))) == [2, 4]
    assert (tmp_path / "record.overviews.zarr/ALOS_2007-2010/4/zarr.json").is_file()


def test_what_lies_in_their_place_is_not_removed(store, scheduler):
    overview_folder(store).mkdir()
    (overview_folder(store) / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="deformation.overviews.zarr: is where overviews go, but holds something else"):
        write_overviews(store, scheduler=scheduler, coarsest=30)
    assert (overview_folder(store) / "notes.txt").read_text() == "mine"


def test_products_write_those_of_large_stores_alone(store, tmp_path, scheduler):
    assert write_overviews_if_large(store, scheduler=scheduler) == []
    assert write_overviews_if_large(store, scheduler=scheduler, large=101, coarsest=30) == []
    assert not overview_folder(store).exists()
    assert write_overviews_if_large(store, scheduler=scheduler, large=100, coarsest=30) == [2, 4]
    table = tmp_path / "climate.zarr"
    rain = xr.Dataset({"precipitation": ("time", np.ones(9))}, {"time": np.arange(9).astype("M8[D]").astype("M8[ns]")})
    save_small(rain, table, provenance=Provenance("basin-climate", {}, {}))
    assert write_overviews_if_large(table, scheduler=scheduler, large=1) == []


def test_a_plan_counts_a_third_of_what_a_large_store_holds():
    cost, cluster = PixelCost.computing(800, 90, widest=400), Cluster(workers=1, memory="8 GiB")
    (step,) = plan_overviews("deformation", shape=(LARGE + 1, 100), tile=(100, 100), cost=cost, cluster=cluster)
    assert step.name == "overviews of deformation"
    assert (step.bytes_read, step.bytes_written) == (90 * 100 * (LARGE + 1), 30 * 100 * (LARGE + 1))
    assert plan_overviews("deformation", shape=(100, LARGE), tile=(100, 100), cost=cost, cluster=cluster) == []


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
