import time

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine.overviews import write_overviews
from cryoscale.errors import ResourceError
from cryoscale.grids import geobox_of, grid_coords
from cryoscale.variables import attributes
from cryoscale.viewer import raster
from cryoscale.viewer.raster import (
    Layer,
    Window,
    as_map,
    first_window,
    fitted_window,
    full_window,
    read_view,
)
from cryoscale.viewer.source import open_source

WHOLE = Window(99.0, 38.0, 99.04, 38.06)


def test_the_whole_map_south_first(deformation):
    source = open_source(deformation)
    view = read_view(source, Layer("velocity"), WHOLE, pixels=(500, 500))
    np.testing.assert_array_equal(view.values, source.data.velocity.values[::-1])
    assert view.window.left == pytest.approx(99.0)
    assert view.window.top == pytest.approx(38.06)


def test_one_date_of_a_cube(deformation):
    source = open_source(deformation)
    view = read_view(source, Layer("displacement", 7), WHOLE, pixels=(500, 500))
    np.testing.assert_array_equal(view.values, source.data.displacement[7].values[::-1])


@given(
    west=st.floats(98.98, 99.05), south=st.floats(37.98, 38.07), width=st.floats(1e-4, 0.05), most=st.integers(1, 70)
)
def test_every_pixel_of_a_view_is_where_the_store_has_it(cube, west, south, width, most):
    """What is drawn at the middle of a pixel of the view is the value of a pixel that the view's pixel covers."""
    window = Window(west, south, west + width, south + width)
    view = read_view(cube, Layer("deformation_rate"), window, pixels=(most, most))
    rows, columns = view.values.shape
    assert max(rows, columns) <= most
    if not view.values.size:
        return
    dy, dx = view.window.height / rows, view.window.width / columns
    y = view.window.bottom + (np.arange(rows) + 0.5) * dy
    x = view.window.left + (np.arange(columns) + 0.5) * dx
    nearest = cube.data.deformation_rate.sel(y=y, x=x, method="nearest")
    # Of an even number of pixels there are two in the middle, and the first is read: half a pixel from it.
    odd = all(round(size / 0.001) % 2 for size in (dy, dx))
    np.testing.assert_allclose(view.values, nearest, atol=1e-5 if odd else 0.5101)


def test_a_window_off_the_map_is_empty(deformation):
    assert (
        read_view(open_source(deformation), Layer("velocity"), Window(10, 10, 11, 11), pixels=(9, 9)).values.size == 0
    )


def test_another_crs_takes_the_nearest_values(deformation, make_deformation, tmp_path):
    """The same ground from a store in metres, shown on a page in degrees."""
    other = open_source(make_deformation(tmp_path / "deformation.zarr", crs="EPSG:32647"))
    to_degrees = Transformer.from_crs("EPSG:32647", "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(502_000.0, 4_203_000.0)
    window = Window(lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01)
    page = geobox_of(open_source(deformation).data).crs
    view = read_view(other, Layer("deformation_rate"), window, pixels=(40, 50), crs=page)
    assert view.values.shape == (40, 50)
    longitude = window.left + (np.arange(50) + 0.5) * window.width / 50
    latitude = window.bottom + (np.arange(40) + 0.5) * window.height / 40
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32647", always_xy=True).transform(*np.meshgrid(longitude, latitude))
    rows = ((4_206_000.0 - y) / 100).astype(int)
    columns = ((x - 500_000.0) / 100).astype(int)
    np.testing.assert_array_equal(view.values, other.data.deformation_rate.values[rows, columns])


def test_what_costs_too_much_is_refused_and_the_first_view_is_smaller(deformation, monkeypatch):
    source = open_source(deformation)
    chunk = 40 * 16 * 16 * 4
    monkeypatch.setattr(raster, "MOST_BYTES", 4 * chunk)
    with pytest.raises(
        ResourceError, match=r"deformation.zarr: this view would read .* GB. Zoom in, or write overviews"
    ):
        read_view(source, Layer("displacement", 0), WHOLE, pixels=(50, 50))
    window = first_window(source, Layer("displacement", 0), pixels=(50, 50))
    assert 0 < window.width < WHOLE.width
    assert read_view(source, Layer("displacement", 0), window, pixels=(50, 50)).values.size > 0
    assert first_window(source, Layer("velocity"), pixels=(50, 50)) == full_window(geobox_of(source.data))


def test_overviews_are_used_where_they_are_fine_enough(make_deformation, tmp_path):
    path = make_deformation(tmp_path / "deformation.zarr")
    with open_scheduler(Cluster(workers=1)) as scheduler:
        write_overviews(path, scheduler=scheduler, coarsest=20)
    source = open_source(path)
    assert list(source.levels) == [1, 2, 4]
    for pixels, factor in (((60, 40), 1), ((30, 20), 2), ((20, 20), 2), ((15, 10), 4)):
        view = read_view(source, Layer("velocity"), WHOLE, pixels=pixels)
        level = source.levels[factor].velocity.values[::-1]
        assert view.values[0, 0] in level
        assert raster._plan(source, Layer("velocity"), WHOLE, pixels).array.sizes["y"] == -(-60 // factor)


def test_the_first_view_of_a_large_store_takes_less_than_two_seconds(save_store, tmp_path):
    """8000 x 8000 pixels without overviews: every n-th pixel of each chunk."""
    n = 8000
    geobox = GeoBox.from_bbox((90.0, 30.0, 98.0, 38.0), "EPSG:4326", shape=(n, n))
    values = da.random.default_rng(0).normal(size=(n, n), chunks=1000).astype("float32")
    velocity = (("y", "x"), values, attributes("velocity"))
    save_store(
        tmp_path / "free.zarr", {"velocity": velocity}, grid_coords(geobox), product="free-velocity", tile=(1000, 1000)
    )
    start = time.perf_counter()
    source = open_source(tmp_path / "free.zarr")
    layer = Layer("velocity")
    view = read_view(source, layer, first_window(source, layer, pixels=(700, 812)), pixels=(700, 812))
    seconds = time.perf_counter() - start
    assert view.values.shape == (667, 800)  # every 12th row and every 10th column
    assert np.isfinite(view.values).all()
    assert seconds < 2.0, f"{seconds:.2f} s"


def test_a_fitted_window_has_the_shape_of_the_frame_on_the_ground(deformation):
    crs = geobox_of(open_source(deformation).data).crs
    window = fitted_window(WHOLE, frame=(600, 300), crs=crs)
    squeeze = np.cos(np.radians(38.03))
    assert window.width * squeeze / window.height == pytest.approx(2.0, rel=1e-6)
    assert window.left <= WHOLE.left
    assert window.top >= WHOLE.top


def test_a_view_becomes_a_map_for_figures(deformation):
    source = open_source(deformation)
    view = read_view(source, Layer("velocity"), WHOLE, pixels=(500, 500))
    shown = as_map(view, source.data.velocity, geobox_of(source.data).crs)
    np.testing.assert_array_equal(shown.values, source.data.velocity.values)
    np.testing.assert_allclose(shown.y, source.data.y)
    assert shown.attrs["units"] == "mm a-1"
