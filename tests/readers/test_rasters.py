from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.errors import InputError
from cryoscale.readers.rasters import Layer, LayerStack, decode


def decoded(values: list[float], name: str, **options: Any) -> list[float]:
    array = np.array(values, "float32")
    layer = Layer("a.tif", 0, 0, options.get("nodata"), options.get("scale", 1.0), options.get("offset", 0.0))
    decode(array, layer, name)
    return [float(value) for value in array]


def test_exact_zero_is_no_phase() -> None:
    np.testing.assert_array_equal(
        decoded([0.0, -0.0, 2.0**-100, -3.0], "unwrapped_phase"), [np.nan, np.nan, 2.0**-100, -3.0]
    )


def test_exact_zero_is_an_elevation() -> None:
    assert decoded([0.0, 5.0], "elevation") == [0.0, 5.0]


@pytest.mark.parametrize("nodata", [-9999.0, np.nan, -1.7976931348623157e308, -3.4028234663852886e38, 1e20])
def test_every_usual_nodata_number_is_no_data(nodata: float) -> None:
    with np.errstate(over="ignore"):
        number = float(np.float32(nodata))
    np.testing.assert_array_equal(decoded([number, 2.0], "unwrapped_phase", nodata=nodata), [np.nan, 2.0])


def test_infinity_is_no_data() -> None:
    np.testing.assert_array_equal(decoded([np.inf, -np.inf, 1.0], "elevation"), [np.nan, np.nan, 1.0])


def test_scale_and_offset_apply_after_the_nodata_number() -> None:
    found = decoded([255.0, 80.0], "coherence", nodata=255.0, scale=0.01, offset=0.1)
    np.testing.assert_allclose(found, [np.nan, 0.9], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("coherence", 37.0, r"a\.tif: coherence is 37 somewhere, but must be 0 to 1 1\. Check the unit"),
        ("coherence", -0.5, r"a\.tif: coherence is -0\.5 somewhere"),
        ("elevation", -32768.0, r"a\.tif: elevation is -32768 somewhere, .*nodata tag names the number"),
        ("incidence_angle", 95.0, r"incidence_angle is 95 somewhere, but must be 0 to 90 degree"),
        ("los_up", 1.2, r"los_up is 1\.2 somewhere, but must be -1 to 1 1"),
    ],
)
def test_values_that_cannot_be_are_named(name: str, value: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decoded([value, 0.5], name)


def test_rounding_above_the_valid_range_passes() -> None:
    assert decoded([1.00005], "coherence") == [pytest.approx(1.00005)]


def test_a_raster_without_any_data_is_nan() -> None:
    assert np.isnan(decoded([0.0, 0.0], "unwrapped_phase")).all()
    assert np.isnan(decoded([-1.0, -1.0], "coherence", nodata=-1.0)).all()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, write_raster: Any) -> tuple[LayerStack, Any]:
    folder = tmp_path_factory.mktemp("layers")
    values = np.random.default_rng(0).normal(size=(4, 9, 8)).astype("float32")
    layers = tuple(
        Layer(str(write_raster(folder / f"{i}.tif", layer)), 2, 1, None, 1.0, 0.0) for i, layer in enumerate(values)
    )
    return LayerStack("unwrapped_phase", layers, (4, 6, 5)), values[:, 2:8, 1:6]


def keys(size: int) -> st.SearchStrategy[Any]:
    bounds = st.none() | st.integers(-size - 2, size + 2)
    steps = st.none() | st.integers(1, 3) | st.integers(-3, -1)
    picks = st.lists(st.integers(-size, size - 1), min_size=1)
    return st.builds(slice, bounds, bounds, steps) | st.integers(-size, size - 1) | picks


@given(st.tuples(keys(4), keys(6), keys(5)))
def test_indexing_files_is_indexing_their_array_axis_by_axis(stack: Any, key: Any) -> None:
    files, values = stack
    expected = values[:, :, key[2]][:, key[1]][key[0]]
    np.testing.assert_array_equal(files[key], expected)
    assert files[key].shape == expected.shape


def test_a_block_that_cannot_be_decoded_names_file_and_rows(tmp_path: Path, write_raster: Any) -> None:
    values = np.random.default_rng(0).normal(size=(64, 50)).astype("float32")
    path = write_raster(tmp_path / "a.tif", values, blockysize=8)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = b"\xff" * 400
    path.write_bytes(content)
    files = LayerStack("unwrapped_phase", (Layer(str(path), 0, 0, None, 1.0, 0.0),), (1, 64, 50))
    with pytest.raises(
        InputError, match=rf"{path}: rows 24 to 47 cannot be read \(.*\)\. The file is damaged: copy it"
    ):
        files[:, 24:48, :]
    np.testing.assert_array_equal(files[0, 0:8, :], values[:8])


def test_a_file_that_has_gone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    files = LayerStack("unwrapped_phase", (Layer(str(path), 3, 0, None, 1.0, 0.0),), (1, 4, 4))
    with pytest.raises(InputError, match=rf"{path}: rows 3 to 6 cannot be read .*take the pair out of the input"):
        files[:, :, :]
