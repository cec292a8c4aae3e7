import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError, ResourceError
from cryoscale.readers import choose_strip_rows, find_gamma, find_licsar, inspect_files, lazy_stack, open_stack, rasters
from cryoscale.readers.stack import fit_strip_rows
from cryoscale.variables import VARIABLES

Reads = list[tuple[str, range]]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Every read of a window: file and rows of the stack."""
    seen: Reads = []
    really_read = rasters.read_window

    def spy(layer: rasters.Layer, name: str, *, rows: range, columns: range, out: Any) -> None:
        seen.append((layer.path, rows))
        really_read(layer, name, rows=rows, columns=columns, out=out)

    monkeypatch.setattr(rasters, "read_window", spy)
    return seen


def test_the_stack_is_canonical(licsar: Any) -> None:
    stack = open_stack(find_licsar(licsar.path), strip_rows=3)
    assert stack.unwrapped_phase.dims == stack.coherence.dims == ("pair", "y", "x")
    assert stack.unwrapped_phase.chunks == ((5,), (3, 3, 1), (5,))
    for name, variable in stack.data_vars.items():
        assert variable.dtype == np.float32
        assert variable.dims == VARIABLES[str(name)].dims
        assert variable.attrs["units"] == VARIABLES[str(name)].units
        assert variable.chunks[-2] == (3, 3, 1)
    assert stack.reference.dtype == stack.secondary.dtype == np.dtype("datetime64[ns]")
    dates = list(zip(stack.reference.values, stack.secondary.values, strict=True))
    assert dates == sorted(dates)
    np.testing.assert_allclose(stack.x, 99.0 + 0.01 * (np.arange(5) + 0.5))
    np.testing.assert_allclose(stack.y, 38.0 - 0.01 * (np.arange(7) + 0.5))
    assert stack.odc.crs.epsg == 4326
    expected = {"sensor": "Sentinel-1", "incidence_angle": 39.1918, "heading": -13.775063}
    assert {name: stack.attrs[name] for name in expected} == expected


def test_opening_reads_nothing(licsar: Any, reads: Reads, assert_lazy: Any) -> None:
    with assert_lazy():
        stack = open_stack(find_licsar(licsar.path), strip_rows=3)
        stack.unwrapped_phase.isel(y=slice(0, 2)).mean()
    assert reads == []


def test_each_row_of_each_file_is_read_once(licsar: Any, reads: Reads) -> None:
    files = find_licsar(licsar.path)
    open_stack(files, strip_rows=3).compute()
    strips = Counter((path, rows) for path, rows in reads)
    assert set(strips) == {(str(path), rows) for path in files.paths for rows in (range(3), range(3, 6), range(6, 7))}
    assert set(strips.values()) == {1}


def test_a_strip_touches_only_its_rows(licsar: Any, reads: Reads) -> None:
    stack = open_stack(find_licsar(licsar.path), strip_rows=3)
    strip = stack[["unwrapped_phase", "coherence"]].isel(y=slice(3, 6)).compute()
    assert {rows for _, rows in reads} == {range(3, 6)}
    assert len(reads) == 2 * len(licsar.names)
    np.testing.assert_array_equal(strip.unwrapped_phase, licsar.phase[:, 3:6])


def test_one_interferogram_is_one_file(licsar: Any, reads: Reads) -> None:
    one = open_stack(find_licsar(licsar.path), strip_rows=3).unwrapped_phase.isel(pair=2).compute()
    np.testing.assert_array_equal(one, licsar.phase[2])
    assert {Path(path).name for path, _ in reads} == {f"{licsar.names[2]}.geo.unw.tif"}


def test_strips_do_not_change_the_values(licsar: Any) -> None:
    files = find_licsar(licsar.path)
    whole = open_stack(files, strip_rows=1000).compute()
    for rows in (1, 2, 5):
        xr.testing.assert_identical(open_stack(files, strip_rows=rows).compute(), whole)


def test_names_of_tasks_depend_on_files_and_strips_only(licsar: Any, gamma: Any) -> None:
    def names(files: Any, strip_rows: int) -> list[str]:
        return [variable.data.name for variable in open_stack(files, strip_rows=strip_rows).data_vars.values()]

    files = find_licsar(licsar.path)
    assert names(files, 3) == names(find_licsar(licsar.path), 3)
    assert not set(names(files, 3)) & set(names(files, 2))
    assert not set(names(files, 3)) & set(names(find_gamma(gamma.path), 3))


def test_threads_read_what_one_thread_reads(licsar: Any) -> None:
    stack = open_stack(find_licsar(licsar.path), strip_rows=1)
    with dask.config.set(scheduler="threads", num_workers=8):
        threaded = stack.compute()
    with dask.config.set(scheduler="synchronous"):
        xr.testing.assert_identical(threaded, stack.compute())


def test_the_graph_travels_to_other_processes(licsar: Any) -> None:
    stack = open_stack(find_licsar(licsar.path), strip_rows=3)
    xr.testing.assert_identical(pickle.loads(pickle.dumps(stack)).compute(), stack.compute())


def test_coherence_in_percent_is_refused_while_reading(licsar: Any, write_raster: Any) -> None:
    path = licsar.path / licsar.names[1] / f"{licsar.names[1]}.geo.cc.tif"
    write_raster(path, np.full((7, 5), 83.0, "float32"))
    stack = open_stack(find_licsar(licsar.path), strip_rows=3)
    with pytest.raises(InputError, match=rf"{path}: coherence is 83 somewhere, but must be 0 to 1"):
        stack.coherence.compute()


def test_bad_pairs_are_left_out_and_listed(licsar: Any) -> None:
    path = licsar.path / licsar.names[1] / f"{licsar.names[1]}.geo.unw.tif"
    path.write_bytes(path.read_bytes()[:300])
    inspection = inspect_files(find_licsar(licsar.path), skip_bad=True)
    stack = lazy_stack(inspection, strip_rows=7)
    np.testing.assert_array_equal(stack.unwrapped_phase, np.delete(licsar.phase, 1, axis=0))
    assert [problem.path for problem in inspection.files.rejected] == [path]


def test_no_rows_are_no_strip(licsar: Any) -> None:
    with pytest.raises(InputError, match=r"strip_rows: 0 rows is no strip"):
        open_stack(find_licsar(licsar.path), strip_rows=0)


@pytest.mark.parametrize(
    ("rows", "row_bytes", "memory", "tile", "block_rows", "strip"),
    [
        (1000, 1000, 10_000_000, 64, 1, 1024),  # all of it, whole tiles
        (1000, 1000, 500_000, 64, 1, 448),  # as many tiles as fit
        (1000, 1000, 500_000, 64, 256, 256),  # blocks whole
        (1000, 1000, 200_000, 64, 256, 192),  # no memory for whole blocks: tiles only
        (1000, 1000, 500_000, 64, 20, 320),  # common multiple of 64 and 20
        (10, 1000, 50_000, 64, 20, 64),  # smaller than a tile
    ],
)
def test_strips_are_whole_tiles_and_whole_blocks(
    rows: int, row_bytes: int, memory: int, tile: int, block_rows: int, strip: int
) -> None:
    assert fit_strip_rows(rows, row_bytes=row_bytes, memory=memory, tile=tile, block_rows=block_rows) == strip


@given(*(st.integers(1, high) for high in (5000, 10**6, 10**10, 512, 512)))
def test_strips_fit_into_memory(rows: int, row_bytes: int, memory: int, tile: int, block_rows: int) -> None:
    if memory // row_bytes < min(tile, rows):
        with pytest.raises(ResourceError, match=r"memory: one row of tiles"):
            fit_strip_rows(rows, row_bytes=row_bytes, memory=memory, tile=tile, block_rows=block_rows)
        return
    strip = fit_strip_rows(rows, row_bytes=row_bytes, memory=memory, tile=tile, block_rows=block_rows)
    assert strip % tile == 0
    assert min(strip, rows) * row_bytes <= memory
    assert strip < rows + tile


def test_choosing_counts_all_layers(licsar: Any) -> None:
    inspection = inspect_files(find_licsar(licsar.path))
    row_bytes = (3 * len(licsar.names) + 2 * 4) * 5 * 4
    assert choose_strip_rows(inspection, memory=3 * row_bytes, tile=1) == 2  # blocks of two rows
    assert choose_strip_rows(inspection, memory=100 * row_bytes, tile=4) == 8
    with pytest.raises(ResourceError, match=r"Give more memory, or choose smaller tiles"):
        choose_strip_rows(inspection, memory=row_bytes - 1, tile=1)
