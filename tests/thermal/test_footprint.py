"""Means over blocks, and smooth fields that keep them, against dense algebra and other interpolators."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from scipy.ndimage import map_coordinates

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, grid_coords
from cryoscale.thermal.footprint import aggregate, block_means, conserve, detail_of, interpolate

FACTORS = st.tuples(st.integers(1, 7), st.integers(1, 7))
SHAPES = st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 6))


def on_grid(values, *, resolution=30.0):
    height, width = values.shape[-2:]
    box = GeoBox.from_bbox((0.0, 0.0, width * resolution, height * resolution), "EPSG:32647", resolution=resolution)
    return xr.DataArray(values, grid_coords(box), ("time", "y", "x")[-values.ndim :], "lst", {"units": "degC"})


def means(fine, factor):
    fy, fx = factor
    t, h, w = fine.shape
    return fine.reshape(t, h // fy, fy, w // fx, fx).mean(axis=(2, 4))


def test_aggregation_is_the_mean_of_blocks_on_the_grid_of_the_blocks():
    fine = on_grid(np.random.default_rng(0).normal(size=(2, 12, 10)))
    coarse = aggregate(fine, (4, 5))
    np.testing.assert_allclose(coarse.values, means(fine.values, (4, 5)), rtol=1e-14)
    np.testing.assert_allclose(coarse.y, fine.y.values.reshape(-1, 4).mean(1))
    np.testing.assert_allclose(coarse.x, fine.x.values.reshape(-1, 5).mean(1))
    assert geobox_of(coarse).extent.geom.equals(geobox_of(fine).extent.geom)
    assert (coarse.name, coarse.attrs) == ("lst", {"units": "degC"})


def test_holes_are_left_out_up_to_the_share_that_is_asked_for():
    values = np.arange(16.0).reshape(4, 4)
    values[0, 0] = values[2:, 2] = values[2, 3] = np.nan
    np.testing.assert_allclose(aggregate(on_grid(values), 2), [[10.0 / 3.0, 4.5], [10.5, np.nan]])
    np.testing.assert_allclose(aggregate(on_grid(values), 2, min_share=0.25)[1, 1], 15.0)
    np.testing.assert_allclose(aggregate(on_grid(values), 2, min_share=1.0), [[np.nan, 4.5], [10.5, np.nan]])


@pytest.mark.parametrize("chunks", [{"y": 5, "x": 7}, {"y": 12, "x": 4}, {"y": (1, 11), "x": (3, 8, 9)}])
def test_lazy_aggregation_is_the_eager_one_wherever_chunks_end(assert_lazy, chunks):
    fine = on_grid(np.random.default_rng(1).normal(size=(12, 20)).astype("float32"))
    with assert_lazy():
        lazy = aggregate(fine.chunk(chunks), 4)
    xr.testing.assert_identical(lazy.compute(), aggregate(fine, 4))


def test_whole_numbers_are_averaged_as_numbers():
    np.testing.assert_array_equal(aggregate(on_grid(np.array([[1, 2], [3, 4]])), 2), [[2.5]])


@pytest.mark.parametrize("factor", [0, -2, 2.5, (2, 3, 4), (2, 0), "2"])
def test_factors_that_are_none_are_refused(factor):
    with pytest.raises(InputError, match="factor: must be one or two whole numbers above 0"):
        aggregate(on_grid(np.zeros((4, 4))), factor)


def test_grids_that_do_not_divide_are_refused():
    with pytest.raises(InputError, match="lst: 5 x 4 pixels do not divide into blocks of 2 x 2"):
        aggregate(on_grid(np.zeros((5, 4))), 2)


@given(SHAPES, FACTORS, st.integers(0, 5))
def test_interpolation_is_linear_between_centres_and_constant_beyond(shape, factor, seed):
    coarse = np.random.default_rng(seed).normal(size=shape)
    places = [(np.arange(n * f) + 0.5) / f - 0.5 for n, f in zip(shape[1:], factor, strict=True)]
    expected = [map_coordinates(c, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest") for c in coarse]
    np.testing.assert_allclose(interpolate(coarse, factor), expected, atol=1e-12)


@given(SHAPES, FACTORS, st.integers(0, 5))
def test_means_are_kept_exactly_under_any_detail(shape, factor, seed):
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=shape)
    detail = rng.normal(size=(shape[0], shape[1] * factor[0], shape[2] * factor[1]))
    np.testing.assert_allclose(means(conserve(coarse, detail, factor), factor), coarse, atol=1e-11)


def test_the_smooth_field_is_that_of_dense_algebra():
    factor, size = 5, 7
    coarse = np.random.default_rng(0).normal(size=(1, size, size))
    basis = interpolate(np.eye(size * size).reshape(-1, size, size), (factor, factor)).reshape(size * size, -1)
    average = means(basis.reshape(-1, size * factor, size * factor), (factor, factor)).reshape(size * size, -1)
    nodes = np.linalg.solve(average.T, coarse.ravel())
    smooth = conserve(coarse, np.zeros((1, size * factor, size * factor)), (factor, factor))
    np.testing.assert_allclose(smooth.ravel(), nodes @ basis, atol=1e-12)


def test_a_plane_comes_back_away_from_the_edges():
    y, x = np.indices((120, 120))
    plane = (0.3 * y - 0.2 * x)[None]
    smooth = conserve(means(plane, (6, 6)), np.zeros_like(plane), (6, 6))
    # where constants stand in beyond the edge, the error falls by (3 - sqrt 8) from one coarse pixel to the next
    np.testing.assert_allclose(smooth[:, 54:66, 54:66], plane[:, 54:66, 54:66], atol=1e-5)
    np.testing.assert_allclose(conserve(np.full((1, 4, 4), 7.0), np.zeros((1, 8, 8)), (2, 2)), 7.0, rtol=1e-14)


def test_missing_pixels_stay_missing_and_the_others_keep_their_means():
    coarse = np.random.default_rng(2).normal(size=(2, 5, 6))
    coarse[0, 1:3, 2:4] = np.nan
    coarse[1] = np.nan
    coarse[0, 4, 4] = np.inf
    fine = conserve(coarse, np.random.default_rng(3).normal(size=(2, 20, 18)), (4, 3))
    finite = np.isfinite(coarse)
    np.testing.assert_allclose(means(fine, (4, 3))[finite], coarse[finite], atol=1e-12)
    np.testing.assert_array_equal(np.isnan(fine), ~np.kron(finite, np.ones((1, 4, 3), bool)))


def test_detail_is_what_goes_beyond_the_interpolation_of_the_means():
    predicted = np.random.default_rng(4).normal(size=(1, 12, 12)).astype("float32")
    np.testing.assert_allclose(
        detail_of(predicted, (3, 3)), predicted - interpolate(means(predicted, (3, 3)), (3, 3)), atol=1e-6
    )
    np.testing.assert_allclose(detail_of(np.full((1, 4, 4), 9.0), (2, 2)), 0.0)
    predicted[0, :4, :7] = np.nan
    detail = detail_of(predicted, (3, 3))
    assert (detail[np.isnan(predicted)] == 0.0).all()
    assert (detail[~np.isnan(predicted)] != 0.0).all()
    assert (detail_of(np.full((1, 4, 4), np.nan), (2, 2)) == 0.0).all()


@pytest.mark.parametrize("chunks", [(1, 24, 30), (1, 7, 11), (1, (1, 23), (28, 2))])
def test_lazy_fields_are_the_eager_ones_to_the_bit(chunks):
    rng = np.random.default_rng(5)
    coarse, predicted = rng.normal(size=(3, 6, 10)), rng.normal(size=(1, 24, 30)).astype("float32")
    predicted[0, 5:9, 3:17], coarse[1, 2, 4:] = np.nan, np.nan
    weights = np.array([0.2, 0.9, 1.0])
    eager = conserve(coarse, detail_of(predicted, (4, 3)), (4, 3), weights=weights)
    detail = detail_of(da.from_array(predicted, chunks), (4, 3))
    for images in (coarse, da.from_array(coarse, (2, 4, 5))):
        lazy = conserve(images, detail, (4, 3), weights=weights)
        assert isinstance(lazy, da.Array)
        np.testing.assert_array_equal(lazy.compute(), eager)
    lazy = conserve(da.from_array(coarse, (2, 4, 5)), detail_of(predicted, (4, 3)), (4, 3), weights=weights)
    np.testing.assert_array_equal(lazy.compute(), eager)
    np.testing.assert_array_equal(interpolate(da.from_array(coarse, (2, 4, 5)), (4, 3)), interpolate(coarse, (4, 3)))


def test_static_detail_is_computed_once_and_images_come_one_a_chunk():
    detail = detail_of(da.zeros((1, 40, 40), chunks=(1, 20, 20)), (4, 4))
    lazy = conserve(np.zeros((6, 10, 10)), detail, (4, 4), weights=np.ones(6))
    assert lazy.chunks == ((1,) * 6, (20, 20), (20, 20))


def test_block_means_of_one_value_need_no_share():
    values = np.full((1, 4, 4), np.nan)
    values[0, 0, 0] = 3.0
    np.testing.assert_array_equal(block_means(values, (4, 4)), [[[3.0]]])
