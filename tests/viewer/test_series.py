import io

import numpy as np
import pandas as pd
import pytest
from odc.geo import CRS
from pyproj import Transformer

from cryoscale.errors import InputError, ResourceError
from cryoscale.viewer import series as series_module
from cryoscale.viewer.pixels import Place, place_at, series_at, series_name
from cryoscale.viewer.series import difference, read_series, series_csv
from cryoscale.viewer.source import open_source

PERIOD = 1.0
EPOCHS = np.datetime64("2016-01-01", "ns") + np.arange(40) * np.timedelta64(36, "D")


def test_the_series_of_a_pixel_is_that_of_the_store(deformation):
    source = open_source(deformation)
    series = series_at(source, "displacement", (38.0555, 99.0105))
    np.testing.assert_array_equal(series.values, source.data.displacement[:, 4, 10])
    np.testing.assert_array_equal(series.at, EPOCHS)
    assert series.label == "Displacement (mm)"
    assert series.where == "38.0555°N, 99.0105°E"
    assert series.gaps == source.gaps


def test_the_model_is_the_one_that_the_store_holds(deformation):
    series = series_at(open_source(deformation), "displacement", (38.0555, 99.0105))
    years = (series.model_at - EPOCHS[0]) / np.timedelta64(1, "D") / 365.25
    angle = 2 * np.pi * years / PERIOD
    np.testing.assert_allclose(series.model, 0.4 - 5.0 * years + 4 * np.sin(angle) - 2 * np.cos(angle), atol=1e-5)
    assert set(EPOCHS) <= set(series.model_at)
    assert series.rate == -5.0


def test_a_reference_is_subtracted(deformation):
    source = open_source(deformation)
    pixel, reference = (series_at(source, "displacement", (38.0555, x)) for x in (99.0105, 99.0305))
    relative = difference(pixel, reference)
    values = source.data.displacement[:, 4].values.astype(float)
    np.testing.assert_array_equal(relative.values, values[:, 10] - values[:, 30])
    assert relative.rate == 10.0
    years = (relative.model_at - EPOCHS[0]) / np.timedelta64(1, "D") / 365.25
    np.testing.assert_allclose(relative.model, 10.0 * years, atol=1e-5)
    assert relative.where == "38.0555°N, 99.0105°E minus 38.0555°N, 99.0305°E"


def test_errors_make_a_band_and_add_up_in_differences(permafrost):
    source = open_source(permafrost)
    series = read_series(source, "ttop", Place(10, 5).index())
    np.testing.assert_allclose(series.values, [-2.0, -1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(series.upper - series.values, 0.25)
    assert series.labels == ["2001", "2002", "2003"]
    relative = difference(series, read_series(source, "ttop", Place(20, 5).index()))
    np.testing.assert_allclose(relative.values, -1.0, atol=1e-6)
    np.testing.assert_allclose(relative.values - relative.lower, np.hypot(0.25, 0.25), rtol=1e-6)
    assert read_series(source, "ground_class", Place(10, 5).index()).lower is None


def test_intervals_of_a_table(recession):
    series = read_series(open_source(recession), "recession_constant", {"gauge": 1})
    np.testing.assert_array_equal(series.values, [5, 6, 7, 8, 9])
    np.testing.assert_array_equal(series.lower, series.values - 1)
    np.testing.assert_array_equal(series.upper, series.values + 2)
    with pytest.raises(InputError, match="recession_constant: has dims .*; choose all but one of them"):
        read_series(open_source(recession), "recession_constant", {})


def test_the_table_holds_the_values_of_the_store_to_the_bit(deformation):
    source = open_source(deformation)
    pixel, reference = (series_at(source, "displacement", (38.0555, x)) for x in (99.0105, 99.0305))
    text = series_csv(pixel, reference, about=["results/deformation.zarr", "mm"])
    table = pd.read_csv(io.StringIO(text), comment="#", parse_dates=["time"])
    stored = source.data.displacement[:, 4].values
    np.testing.assert_array_equal(table.displacement.astype("float32"), stored[:, 10])
    np.testing.assert_array_equal(table.reference.astype("float32"), stored[:, 30])
    np.testing.assert_allclose(table.difference, table.displacement - table.reference, atol=1e-6)
    np.testing.assert_allclose(table.model, pixel.model[np.searchsorted(pixel.model_at, pixel.at)], rtol=1e-8)
    np.testing.assert_array_equal(table.time.values.astype("datetime64[D]"), EPOCHS.astype("datetime64[D]"))
    assert text.startswith("# results/deformation.zarr\n# mm\ntime,displacement,model,reference,difference\n")


def test_points_find_their_pixel(deformation):
    source = open_source(deformation)
    assert place_at(source, (38.0599, 99.0001)) == Place(0, 0)
    assert place_at(source, (38.0001, 99.0399)) == Place(59, 39)
    assert place_at(source, (38.0601, 99.01)) is None
    assert series_at(source, "displacement", (38.03, 98.9)) is None
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32647", always_xy=True).transform(99.0105, 38.0555)
    assert place_at(source, (y, x), crs=CRS("EPSG:32647")) == Place(4, 10)


def test_a_map_without_dates_is_shown_with_the_main_series(deformation, permafrost):
    assert series_name(open_source(deformation), "velocity") == "displacement"
    assert series_name(open_source(permafrost), "permafrost_probability") == "permafrost_probability"
    assert series_name(open_source(permafrost), "rk") == "ttop"


def test_a_series_that_is_scattered_over_too_many_chunks_is_refused(deformation, monkeypatch):
    monkeypatch.setattr(series_module, "MOST_BYTES", 1000)
    with pytest.raises(ResourceError, match="a series of displacement would read"):
        series_at(open_source(deformation), "displacement", (38.03, 99.01))
