"""The first view of the largest grid that the products are made for."""

import os
import time

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from bokeh.document import Document
from bokeh.models import ColumnDataSource
from odc.geo.geobox import GeoBox

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine.overviews import write_overviews_if_large
from cryoscale.folders import files_below
from cryoscale.grids import grid_coords
from cryoscale.store import Provenance, create_store
from cryoscale.variables import attributes
from cryoscale.viewer.page import build_page
from cryoscale.viewer.source import open_source

SHAPE, TILE = (17_000, 37_000), 1000
N_VALUES = 8


@pytest.fixture(scope="module")
def plateau(tmp_path_factory):
    """A map of 629 million pixels with its overviews; chunks of one value each, most of them links to the same file."""
    path = tmp_path_factory.mktemp("plateau") / "free.zarr"
    geobox = GeoBox.from_bbox((75.0, 27.0, 105.0, 41.0), "EPSG:4326", shape=SHAPE)
    velocity = (("y", "x"), da.zeros(SHAPE, "float32", chunks=-1), attributes("velocity"))
    lazy = xr.Dataset({"velocity": velocity}, grid_coords(geobox))
    create_store(path, lazy, chunks={"y": TILE, "x": TILE}, provenance=Provenance("free-velocity", {}, {}))
    stored = zarr.open_array(path, path="velocity", mode="r+")
    for row in range(SHAPE[0] // TILE):
        for column in range(SHAPE[1] // TILE):
            value = (row + column) % N_VALUES
            if row == 0 and column < N_VALUES:
                stored.blocks[0, column] = np.full((TILE, TILE), value + 1.0)
            else:
                chunk = path / f"velocity/c/{row}/{column}"
                chunk.parent.mkdir(exist_ok=True)
                os.link(path / f"velocity/c/0/{value}", chunk)
    with open_scheduler(Cluster(workers=2)) as scheduler:
        assert write_overviews_if_large(path, scheduler=scheduler) == [2, 4, 8, 16, 32, 64]
    return path


def test_its_first_view_takes_less_than_two_seconds(plateau, capsys):
    start = time.perf_counter()
    source = open_source(plateau)
    document = Document()
    build_page(document, [source])
    seconds = time.perf_counter() - start
    with capsys.disabled():
        print(f"\nfirst view of {SHAPE[1]} x {SHAPE[0]} pixels: {seconds:.2f} s")
    (shown,) = [model for model in document.select({"type": ColumnDataSource}) if model.name == "image-0"]
    image = shown.data["image"][0]
    assert max(image.shape) > 400
    assert set(np.unique(image[np.isfinite(image)])) >= set(range(1, N_VALUES + 1))
    assert shown.data["dw"][0] >= 30.0
    assert seconds < 2.0


def test_its_overviews_take_a_third_of_its_pixels(plateau):
    levels = open_source(plateau).levels
    pixels = {factor: level.velocity.size for factor, level in levels.items()}
    assert sum(pixels.values()) / pixels[1] == pytest.approx(4 / 3, rel=1e-3)
    assert sum(files_below(plateau.parent).values()) < 300e6
