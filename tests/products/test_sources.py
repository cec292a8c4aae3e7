"""Images and maps of the land as the configuration names them."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio

from cryoscale.errors import InputError
from cryoscale.grids import geobox_of
from cryoscale.products.grid import images_geobox
from cryoscale.products.ground_temperature import daily_images
from cryoscale.products.sources import Land, LstSource
from cryoscale.readers import LstFormat
from cryoscale.scenes import tarim_files

CHUNKS = {"y": 20, "x": 24}


@pytest.fixture(scope="module")
def files(tarim_folder):
    return tarim_files(tarim_folder / "scene")


@pytest.fixture
def land(files):
    return Land(elevation=files.dem, classes=files.land_cover, glacier=files.glaciers, lake=files.lakes)


def relabelled(source, folder, *, dtype, convert):
    """One image under a name of one's own, with other numbers and without tags."""
    folder.mkdir()
    with rasterio.open(sorted(source.glob("MOD11A1*Day*.tif"))[3]) as image:
        counts, profile = image.read(1), image.profile
    profile.update(dtype=dtype, nodata=None)
    with rasterio.open(folder / "lst_day_20050701.tif", "w", **profile) as target:
        target.write(np.where(counts == 0, 0, convert(counts)).astype(dtype), 1)
    return LstSource(
        path=folder,
        format=LstFormat.PATTERN,
        pattern="lst_{overpass}_{date:%Y%m%d}.tif",
        names={"terra_day": "day"},
        nodata=0,
    )


def in_kelvin(source, scale=None):
    return LstSource.model_validate(source.model_dump() | {"unit": "K", "scale": scale})


def read(source):
    found = source.find()
    geobox = images_geobox(found)
    return daily_images(found, geobox, days=4, size=tuple(geobox.shape), source=source).compute()


def test_days_can_be_chosen(files):
    found = LstSource(path=files.lst, max_error=None, start=date(2006, 1, 1), end=date(2006, 2, 28)).find()
    assert str(found.days[0]) >= "2006-01-01"
    assert str(found.days[-1]) <= "2006-02-28"
    assert 35 < len(found.images) < 52


def test_images_come_in_degrees_celsius(files, tarim):
    days = slice("2006-07-01", "2006-07-31")
    source = LstSource(path=files.lst, max_error=None, start=date(2006, 7, 1), end=date(2006, 7, 31))
    images = read(source)
    true = tarim.lst.sel(time=images.time).where(tarim.truth.image_recorded.sel(time=images.time))
    np.testing.assert_allclose(images, true.sel(time=days), atol=0.0101)
    assert images.attrs["units"] == "degC"


def test_kelvin_for_degrees_celsius_is_refused(files, tmp_path):
    source = relabelled(files.lst, tmp_path / "kelvin", dtype="float32", convert=lambda counts: 0.02 * counts)
    with pytest.raises(InputError, match=r"lst_day_20050701.tif: lst is \d+.* degC .*That looks like Kelvin: set unit"):
        read(source)
    assert float(read(in_kelvin(source)).mean()) == pytest.approx(20, abs=25)


def test_integers_without_a_scale_are_refused(files, tmp_path):
    source = relabelled(files.lst, tmp_path / "counts", dtype="uint16", convert=lambda counts: counts)
    with pytest.raises(InputError, match=r"lst_day_20050701.tif.*That looks like unscaled integers: set scale \(0.02"):
        read(source)
    scaled = in_kelvin(source, scale=0.02)
    kelvin = relabelled(files.lst, tmp_path / "kelvin", dtype="float32", convert=lambda counts: 0.02 * counts)
    np.testing.assert_allclose(read(scaled), read(in_kelvin(kelvin)), atol=1e-4)


def test_land_lies_on_one_grid(land, tarim, assert_lazy):
    geobox = geobox_of(tarim.elevation)
    with assert_lazy():
        maps = land.open(geobox, chunks=CHUNKS)
    assert {name: maps[name].chunks is not None for name in maps} == dict.fromkeys(
        ("elevation", "land_cover", "glacier", "lake"), True
    )
    assert geobox_of(maps) == geobox
    maps = maps.compute()
    # Bilinear between a third of the pixels is not their mean, but near it
    assert float(abs(maps.elevation - tarim.elevation.values).mean()) < 15
    assert (maps.land_cover.values == tarim.truth.land_cover.values).mean() > 0.9
    for name in ("glacier", "lake"):
        assert (maps[name].values == tarim.truth[name].values).mean() > 0.98


def test_a_mosaic_and_shares_of_classes(files, land, tarim, tmp_path):
    geobox = geobox_of(tarim.elevation)
    halves = []
    with rasterio.open(files.dem) as dem:
        for name, column in (("west", 0), ("east", dem.width // 2)):
            window = rasterio.windows.Window(column, 0, dem.width // 2, dem.height)
            profile = dem.profile | {"width": window.width, "transform": dem.window_transform(window)}
            halves.append(tmp_path / f"{name}.tif")
            with rasterio.open(halves[-1], "w", **{**profile, "driver": "GTiff"}) as target:
                target.write(dem.read(1, window=window), 1)
    shares = {str(code): path for code, path in files.land_cover_fraction.items()}
    parts = Land(elevation=tuple(halves), classes=shares)
    assert parts.paths() == {"elevation": halves, "land_cover": list(shares.values())}
    maps, whole = (source.open(geobox, chunks=CHUNKS).compute() for source in (parts, land))
    assert set(maps) == {"elevation", "land_cover"}
    np.testing.assert_array_equal(maps.elevation, whole.elevation)
    names = maps.land_cover.attrs["flag_meanings"].split()
    assert names == list(shares)
    numbered = np.array([0, *map(int, names)])[maps.land_cover.values]
    assert (numbered == tarim.truth.land_cover.values).mean() > 0.95


def test_chunks_change_nothing(land, tarim):
    geobox = geobox_of(tarim.elevation)
    one, other = (land.open(geobox, chunks=chunks).compute() for chunks in (CHUNKS, {"y": 7, "x": 48}))
    assert all(one[name].values.tobytes() == other[name].values.tobytes() for name in one)


def test_a_missing_map_is_named(land, tarim):
    with pytest.raises(InputError, match="nowhere.tif"):
        land.model_copy(update={"glacier": Path("nowhere.tif")}).open(geobox_of(tarim.elevation), chunks=CHUNKS)
