"""Grids of the active-layer scene: whole multiples with the same corners, and means over them."""

import numpy as np
import pytest
from pyproj import Transformer

from cryoscale.errors import InputError
from cryoscale.scenes.active_layer_grids import LST_FACTOR, NDVI_FACTOR, block_mean, coarse_geobox, fine_geobox


def test_the_fine_grid_has_pixels_of_30_m_around_the_centre():
    grid = fine_geobox((480, 480))
    assert grid.crs.epsg == 32647
    assert grid.resolution.xy == (30.0, -30.0)
    centre = grid.extent.centroid.coords[0]
    longitude, latitude = Transformer.from_crs(32647, 4326, always_xy=True).transform(*centre)
    assert (longitude, latitude) == pytest.approx((99.2, 38.0), abs=0.01)


@pytest.mark.parametrize(("factor", "size"), [(LST_FACTOR, 960.0), (NDVI_FACTOR, 240.0)])
def test_coarse_grids_have_whole_multiples_and_the_same_corners(factor, size):
    fine = fine_geobox((96, 160))
    coarse = coarse_geobox(fine, factor)
    assert coarse.resolution.xy == (size, -size)
    assert coarse.boundingbox == fine.boundingbox
    assert (coarse.boundingbox.left % 960, coarse.boundingbox.top % 960) == (0, 0)


def test_block_means_are_means_of_squares():
    field = np.random.default_rng(0).normal(size=(2, 64, 96)).astype("f4")
    means = block_mean(field, 32)
    assert means.shape == (2, 2, 3)
    assert means.dtype == np.float32
    assert means[1, 0, 2] == pytest.approx(field[1, :32, 64:].mean(dtype=float), rel=1e-6)


@pytest.mark.parametrize("shape", [(480, 481), (32, 96), (50, 64)])
def test_a_shape_that_is_no_multiple_is_refused(shape):
    with pytest.raises(InputError, match=r"shape: .* not made of pixels of 960 m. Give multiples of 32 pixels of 30 m"):
        fine_geobox(shape)
