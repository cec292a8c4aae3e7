"""Tiny folders of interferograms as each processor writes them, with the values that the reader must find in them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.transform import from_origin

Array = npt.NDArray[Any]
WriteRaster = Callable[..., Path]

DATES = ("20200101", "20200113", "20200125", "20200206")
PAIRS = tuple((a, b) for i, a in enumerate(DATES) for b in DATES[i + 1 :][:2])
SHAPE = (7, 5)
TRANSFORM = from_origin(99.0, 38.0, 0.01, 0.01)


@dataclass(frozen=True)
class Folder:
    """A folder of interferograms and the truth about it: NaN is no data."""

    path: Path
    phase: Array
    coherence: Array
    names: tuple[str, ...]


def _write(path: Path, values: Array, **options: Any) -> Path:
    """Write a GeoTIFF; `units` and `tags` go into it, everything else into the profile."""
    units, tags = options.pop("units", None), options.pop("tags", {})
    bands = values if values.ndim == 3 else values[None]
    profile = {"crs": "EPSG:4326", "transform": TRANSFORM, "compress": "deflate", "blockysize": 2} | options
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=bands.shape[0],
        height=bands.shape[1],
        width=bands.shape[2],
        dtype=bands.dtype,
        **profile,
    ) as target:
        target.write(bands)
        if tags:
            target.update_tags(**tags)
        if units:
            target.units = (units,)
    return path


@pytest.fixture(scope="session")
def write_raster() -> WriteRaster:
    return _write


@pytest.fixture
def truth() -> tuple[Array, Array]:
    """Phase with holes, and coherence: a hole at the edge where both lack, one where only unwrapping failed."""
    rng = np.random.default_rng(1)
    phase = rng.normal(0, 5, (len(PAIRS), *SHAPE)).astype("float32")
    coherence = (rng.integers(1, 256, phase.shape) / 255).astype("float32")
    phase[:, 0, :2] = np.nan
    coherence[:, 0, :2] = np.nan
    phase[1, 3, 3] = np.nan
    coherence[2, 4, 4] = 0.0
    return phase, coherence


def _filled(values: Array) -> Array:
    return np.nan_to_num(values, nan=0.0)


@pytest.fixture
def licsar(tmp_path: Path, truth: tuple[Array, Array]) -> Folder:
    """GEOC folder: 0 is no data and no tag says so, coherence in uint8, unit vectors, heights, metadata."""
    phase, coherence = truth
    names = tuple("_".join(pair) for pair in PAIRS)
    root = tmp_path / "GEOC"
    for i, name in enumerate(names):
        _write(root / name / f"{name}.geo.unw.tif", _filled(phase[i]))
        _write(root / name / f"{name}.geo.cc.tif", np.round(_filled(coherence[i]) * 255).astype("uint8"))
    for letter, value in {"E": -0.6, "N": -0.1, "U": 0.79}.items():
        _write(root / f"001A_frame.geo.{letter}.tif", np.full(SHAPE, value, "float32"))
    _write(root / "001A_frame.geo.hgt.tif", np.arange(35, dtype="float32").reshape(SHAPE))
    (root / "metadata.txt").write_text("master=20200101\nheading=-13.775063\navg_incidence_angle=39.1918\n")
    return Folder(root, phase, coherence, names)


@pytest.fixture
def gamma(tmp_path: Path, truth: tuple[Array, Array]) -> Folder:
    """Flat folder of GAMMA: nodata tag 0, float coherence, a header a date."""
    phase, coherence = truth
    root = tmp_path / "gamma"
    names = tuple("-".join(pair) for pair in PAIRS)
    for i, name in enumerate(names):
        _write(root / f"{name}_VV_eqa_unw.tif", _filled(phase[i]), nodata=0.0, tags={"DATA_UNITS": "RADIANS"})
        _write(root / f"{name}_VV_eqa_cc.tif", _filled(coherence[i]), tags={"DATA_UNITS": "RADIANS"})
    _write(root / "eqa_dem.tif", np.arange(35, dtype="int16").reshape(SHAPE))
    for i, date in enumerate(DATES):
        (root / f"r{date}_VV_slc.par").write_text(
            f"Gamma header\n\nsensor:    S1{'AB'[i % 2]} IW IW1 VV\nheading:  {-12.27 + i / 1000}  degrees\n"
            "incidence_angle:  39.70  degrees\nradar_frequency:  5.4050005e+09   Hz\n"
        )
    return Folder(root, phase, coherence, names)


@pytest.fixture
def hyp3(tmp_path: Path, truth: tuple[Array, Array]) -> Folder:
    """One folder a product; projected grid; look angle and heights in the first."""
    phase, coherence = truth
    root = tmp_path / "hyp3"
    names = tuple(f"S1AA_{a}T001122_{b}T001123_VVP012_INT80_G_ueF_{i:04X}" for i, (a, b) in enumerate(PAIRS))
    grid = {"crs": "EPSG:32647", "transform": from_origin(500000.0, 4200000.0, 80.0, 80.0), "nodata": 0.0}
    for i, name in enumerate(names):
        base = root / name / name
        _write(base.with_name(f"{name}_unw_phase.tif"), _filled(phase[i]), **grid)
        _write(base.with_name(f"{name}_corr.tif"), _filled(coherence[i]), **(grid | {"nodata": None}))
        base.with_name(f"{name}.txt").write_text(
            f"Reference Granule: S1A_IW_SLC__1SDV_{PAIRS[i][0]}T001122\nHeading: -12.5{i}\nUTC time: 54004.9\n"
        )
    base = root / names[0] / names[0]
    _write(base.with_name(f"{names[0]}_lv_theta.tif"), np.full(SHAPE, np.deg2rad(50.0), "float32"), **grid)
    _write(base.with_name(f"{names[0]}_dem.tif"), np.full(SHAPE, 4000.0, "float32"), **grid)
    return Folder(root, phase, coherence, names)


@pytest.fixture
def table(tmp_path: Path, licsar: Folder) -> Folder:
    """A CSV beside the LiCSAR folder that lists its GeoTIFFs, rows not in the order of dates."""
    rows = [
        f"{a[:4]}-{a[4:6]}-{a[6:]},{b},GEOC/{name}/{name}.geo.unw.tif,GEOC/{name}/{name}.geo.cc.tif"
        for (a, b), name in zip(PAIRS, licsar.names, strict=True)
    ]
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(["reference, secondary, phase, coherence", *reversed(rows)]) + "\n")
    return Folder(path, licsar.phase, licsar.coherence, licsar.names)
