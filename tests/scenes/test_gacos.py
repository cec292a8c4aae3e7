"""Delays as GACOS writes them, read back by the reader of real ones."""

import numpy as np
import pytest
import xarray as xr

from cryoscale.grids import geobox_of
from cryoscale.readers.gacos import find_gacos, open_gacos
from cryoscale.scenes import write_gacos


@pytest.fixture(scope="module")
def delay(longterm):
    return longterm.zenith_delay[:6]


def test_one_binary_and_one_header_a_day(delay, tmp_path):
    write_gacos(delay, tmp_path)
    days = delay.time.dt.strftime("%Y%m%d").values
    expected = sorted(f"{day}.ztd{suffix}" for day in days for suffix in ("", ".rsc"))
    assert sorted(path.name for path in tmp_path.iterdir()) == expected
    header = dict(line.split() for line in (tmp_path / f"{days[0]}.ztd.rsc").read_text().splitlines())
    size = (tmp_path / f"{days[0]}.ztd").stat().st_size
    assert size == 4 * int(header["WIDTH"]) * int(header["FILE_LENGTH"])
    assert (header["WIDTH"], header["FILE_LENGTH"]) == ("14", "17")  # about a third of 40 x 48
    assert float(header["X_STEP"]) == pytest.approx(0.0009, rel=0.02)
    assert float(header["Y_FIRST"]) == pytest.approx(float(delay.y[0]))


def test_without_coarsening_the_delays_come_back(delay, tmp_path):
    read = open_gacos(write_gacos(delay, tmp_path, coarsening=1), geobox_of(delay), strip_rows=20)
    np.testing.assert_array_equal(read.time.values, delay.time.values.astype("datetime64[ns]"))
    np.testing.assert_allclose(read, delay, atol=1e-6)


def test_coarse_delays_reach_everywhere_and_are_close(delay, tmp_path):
    folder = write_gacos(delay, tmp_path)
    read = open_gacos(folder, geobox_of(delay), strip_rows=48).compute()
    assert not read.isnull().any()
    off = 1000 * np.diff(read.values - delay.values, axis=0)  # mm, in interferograms
    there = 1000 * np.diff(delay.values, axis=0)
    assert np.sqrt((off**2).mean()) < 0.5
    assert off.std(axis=(1, 2)).mean() < 0.2 * there.std(axis=(1, 2)).mean()  # eddies smaller than the coarse pixels
    assert len(find_gacos(folder)) == 6


def test_the_outermost_pixels_keep_their_values(tmp_path):
    days = np.array(["2020-06-01"], "datetime64[ns]")
    coords = {"time": days, "y": 38.0 - 0.0003 * np.arange(7), "x": 99.0 + 0.0003 * np.arange(10)}
    field = np.add.outer(np.arange(7.0), 10 * np.arange(10.0))[None]
    delay = xr.DataArray(field, coords, ("time", "y", "x"))
    values = np.fromfile(write_gacos(delay, tmp_path) / "20200601.ztd", "<f4").reshape(3, 4)
    np.testing.assert_allclose(values[[0, 0, -1, -1], [0, -1, 0, -1]], field[0, [0, 0, -1, -1], [0, -1, 0, -1]])
