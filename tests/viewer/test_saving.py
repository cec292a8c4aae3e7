import asyncio
import io
import re
from contextlib import contextmanager
from html import unescape
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
import pytest
import rasterio
from matplotlib.image import imread
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from cryoscale.errors import InputError
from cryoscale.viewer.addresses import layer_query, link, points_query, window_query
from cryoscale.viewer.raster import Layer, Window
from cryoscale.viewer.saving import SaveHandler, make_file
from cryoscale.viewer.source import open_source

PIXEL, REFERENCE = (38.0555, 99.0105), (38.0555, 99.0305)


def query_of(html):
    """What a server gets from a link of the page."""
    address = unescape(re.search(r'href="save/[a-z.]+\?([^"]*)"', html)[1])
    return dict(parse_qsl(address))


@pytest.fixture(scope="module")
def sources(deformation, permafrost, recession):
    return [open_source(path) for path in (deformation, permafrost, recession)]


def test_a_series_with_its_reference(sources, tmp_path):
    query = layer_query(0, Layer("displacement")) | points_query(pixel=PIXEL, reference=REFERENCE)
    made = make_file("series.csv", sources, query_of(link("series.csv", "CSV", query)), folder=tmp_path)
    assert made.name == "deformation_displacement_series.csv"
    table = pd.read_csv(made, comment="#")
    stored = sources[0].data.displacement[:, 4].values
    np.testing.assert_array_equal(table.displacement.astype("float32"), stored[:, 10])
    np.testing.assert_array_equal(table.reference.astype("float32"), stored[:, 30])
    text = made.read_text()
    assert "# displacement: line-of-sight displacement since the first epoch, mm\n" in text
    assert "# 38.0555°N, 99.0105°E\n# reference: 38.0555°N, 99.0305°E\n" in text


def test_a_series_of_a_table(sources, tmp_path):
    made = make_file(
        "series.csv", sources, {"store": "2", "name": "recession_constant", "at_gauge": "1"}, folder=tmp_path
    )
    table = pd.read_csv(made, comment="#")
    assert table.recession_constant.tolist() == [5, 6, 7, 8, 9]
    assert table.year.tolist() == [1990, 1991, 1992, 1993, 1994]


def test_a_section(sources, tmp_path):
    query = layer_query(0, Layer("velocity")) | points_query(start=(38.0305, 99.0005), end=(38.0305, 99.0395))
    made = make_file("section.csv", sources, query_of(link("section.csv", "CSV", query)), folder=tmp_path)
    np.testing.assert_array_equal(pd.read_csv(made, comment="#").value, -0.5 * np.arange(40))


def test_a_layer_is_the_whole_map_at_full_resolution(sources, tmp_path):
    made = make_file("layer.tif", sources, {"store": "0", "name": "displacement", "index": "7"}, folder=tmp_path)
    assert made.name == "deformation_displacement_2016-09-09.tif"
    with rasterio.open(made) as written:
        np.testing.assert_array_equal(written.read(1), sources[0].data.displacement[7].values)
        assert written.units == ("mm",)


def test_a_layer_of_classes_has_their_colours(sources, tmp_path):
    made = make_file("layer.tif", sources, {"store": "1", "name": "mean_ground_class"}, folder=tmp_path)
    with rasterio.open(made) as written:
        assert written.colormap(1)[1][:3] == (0x4A, 0x8F, 0xD0)


@pytest.mark.parametrize(("store", "layer"), [(0, Layer("displacement", 39)), (1, Layer("mean_ground_class"))])
def test_a_view_is_a_figure(sources, tmp_path, store, layer):
    query = layer_query(store, layer) | window_query(Window(99.01, 38.01, 99.03, 38.05), (-20.0, 20.0))
    made = make_file("map.png", sources, query_of(link("map.png", "PNG", query)), folder=tmp_path)
    image = imread(made)
    assert min(image.shape[:2]) > 400
    assert len(np.unique(image[..., 0])) > 3


@pytest.mark.parametrize(
    ("file", "query", "message"),
    [
        ("map.png", {"store": "0", "name": "velocity"}, "map.png: the address does not say what to save"),
        ("series.csv", {"store": "9", "name": "velocity"}, "series.csv: the address does not say what to save"),
        ("layer.tif", {"store": "0", "name": "speed"}, "layer.tif: the address does not say what to save .*speed"),
        ("all.zip", {"store": "0", "name": "velocity"}, "all.zip: is none of series.csv, section.csv"),
        (
            "series.csv",
            {"store": "0", "name": "displacement", "pixel_y": "3", "pixel_x": "4"},
            "deformation.zarr: the point y 3, x 4 lies off its maps",
        ),
    ],
)
def test_odd_addresses_are_answered_in_words(sources, tmp_path, file, query, message):
    with pytest.raises(InputError, match=message):
        make_file(file, sources, query, folder=tmp_path)


@contextmanager
def served(sources, hosts=None):
    """The handler on a port of its own."""
    (socket,) = bind_sockets(0, "127.0.0.1")
    port = socket.getsockname()[1]
    options = {"sources": sources, "hosts": hosts or [f"127.0.0.1:{port}"]}
    server = HTTPServer(Application([(r"/save/([a-z.]+)", SaveHandler, options)]))
    server.add_sockets([socket])
    yield f"http://127.0.0.1:{port}/save/"
    server.stop()


def fetch(sources, address, headers=None, **options):
    async def get():
        with served(sources, **options) as root:
            return await AsyncHTTPClient().fetch(HTTPRequest(root + address, headers=headers, request_timeout=20))

    return asyncio.run(get())


def test_files_are_sent_with_their_names(sources):
    response = fetch(sources, "series.csv?store=2&name=recession_constant&at_gauge=0")
    assert response.headers["Content-Disposition"] == 'attachment; filename="recession_recession_constant_series.csv"'
    assert response.headers["Content-Type"] == "text/csv"
    assert pd.read_csv(io.BytesIO(response.body), comment="#").recession_constant.tolist() == [0, 1, 2, 3, 4]


def test_the_server_says_what_is_wrong(sources):
    with pytest.raises(HTTPClientError) as caught:
        fetch(sources, "series.csv?store=0&name=nothing")
    assert caught.value.code == 400
    assert b"the address does not say what to save" in caught.value.response.body


def test_names_that_point_to_this_machine_are_not_served(sources):
    """A web site can make its own name resolve to 127.0.0.1; its pages must not read stores that way."""
    with pytest.raises(HTTPClientError) as caught:
        fetch(sources, "series.csv?store=0&name=velocity", headers={"Host": "evil.example"})
    assert caught.value.code == 403
