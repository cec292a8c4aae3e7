"""MODIS 8-day land surface temperature of a part of Croatia, 2008: artificial clouds over real images."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy.spatial import cKDTree

from cryoscale.grids import grid_coords, pixel_spacing
from cryoscale.thermal.gaps import fill_gaps

Values = np.ndarray[Any, Any]

STEP = (0.009, 0.0127)  # degree of latitude and longitude
PATCHES, SIZE = 8, 12
CLEAR = 6000  # pixels of 6714 that an image must have


@pytest.fixture(scope="module")
def images(real_data: Path) -> xr.DataArray:
    """The points on the regular grid that they are a part of, (time, y, x)."""
    table = pd.read_csv(real_data / "lst_gaps_croatia" / "LST_8day_2008.csv.gz")
    row = np.rint((table.lat.max() - table.lat) / STEP[0]).astype(int)
    column = np.rint((table.lon - table.lon.min()) / STEP[1]).astype(int)
    np.testing.assert_allclose(table.lon.min() + column * STEP[1], table.lon, atol=1e-9)
    dates = [name for name in table.columns.astype(str) if name.startswith("LST")]
    values = np.full((len(dates), row.max() + 1, column.max() + 1), np.nan)
    values[:, row, column] = table[dates].T
    west, north = table.lon.min() - STEP[1] / 2, table.lat.max() + STEP[0] / 2
    box = (west, north - STEP[0] * values.shape[1], west + STEP[1] * values.shape[2], north)
    geobox = GeoBox.from_bbox(box, "EPSG:4326", shape=values.shape[1:])
    time = pd.to_datetime([name[3:] for name in dates], format="%Y_%m_%d").as_unit("ns")
    return xr.DataArray(values, dims=("time", "y", "x"), coords={"time": time, **grid_coords(geobox)}, name="lst")


def cut_patches(images: xr.DataArray) -> xr.DataArray:
    """Take PATCHES squares of SIZE pixels out of each image."""
    rng, cut = np.random.default_rng(2008), images.copy()
    for image in cut.values:
        for row, column in rng.integers(0, np.array(image.shape) - SIZE, size=(PATCHES, 2)):
            image[row : row + SIZE, column : column + SIZE] = np.nan
    return cut


def inverse_distance(image: xr.DataArray, *, k: int = 16) -> Values:
    """Gaps from the k nearest valid pixels with weights 1 / distance^2."""
    spacing = np.array(pixel_spacing(image.odc.geobox))
    values = image.values.copy()
    valid, gaps = np.isfinite(values), np.isnan(values)
    distance, at = cKDTree(np.argwhere(valid) * spacing).query(np.argwhere(gaps) * spacing, k=k)
    values[gaps] = np.average(values[valid][at], axis=1, weights=distance**-2.0)
    return values


def rmse(found: Values, truth: Values, hidden: Values) -> float:
    return float(np.sqrt(np.mean((found - truth)[hidden] ** 2)))


def test_kriging_is_nearer_than_inverse_distance_on_patches_taken_out(images: xr.DataArray) -> None:
    chosen = images[(images.notnull().sum(("y", "x")) > CLEAR).values]
    cut = cut_patches(chosen)
    filled = fill_gaps(cut, neighbours=16)
    assert set(np.unique(filled.lst_source)) == {1, 2}
    found = []
    for image, kriged, truth in zip(cut, filled.lst.values, chosen.values, strict=True):
        hidden = np.isfinite(truth) & np.isnan(image.values)
        found.append((rmse(kriged, truth, hidden), rmse(inverse_distance(image), truth, hidden)))
        print(f"{image.time.dt.date.item()} {hidden.sum()} px: kriging {found[-1][0]:.2f} K, IDW {found[-1][1]:.2f} K")
    kriging, idw = np.mean(found, axis=0)
    better = sum(a < b for a, b in found)
    print(f"mean RMSE of {len(found)} images: kriging {kriging:.3f} K, IDW {idw:.3f} K; better in {better}")
    assert kriging < idw
    assert better > 0.75 * len(found)


def test_kriging_variance_tells_the_error_of_real_images(images: xr.DataArray) -> None:
    cut = cut_patches(images)
    filled = fill_gaps(cut)
    hidden = images.notnull() & (filled.lst_source == 2)
    z = ((filled.lst - images) / np.sqrt(filled.kriging_variance)).where(hidden)
    print(f"standardised errors: mean {float(z.mean()):.2f}, standard deviation {float(z.std()):.2f}")
    assert abs(float(z.mean())) < 0.1
    assert 0.7 < float(z.std()) < 1.4
