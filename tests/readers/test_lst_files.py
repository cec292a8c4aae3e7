from pathlib import Path

import numpy as np
import pytest

from cryoscale.errors import InputError
from cryoscale.readers.lst_files import drop_unreadable, find_lst
from cryoscale.readers.lst_names import OVERPASSES, LstFormat


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def modis(product="MOD", layer="LST_Day_1km", day="2005001", tile="h25v05"):
    return f"{product}11A1.A{day}.{tile}.061.2020123010101.{layer}.tif"


def test_trims_by_overpass_and_day(tmp_path):
    names = ["2024/TRIMS_Aqua2024003D.tif", "2024/TRIMS_Aqua2024001D.tif", "TRIMS_Terra2024002D.tif", "notes.tif"]
    files = find_lst(touch(tmp_path, *names), format=LstFormat.TRIMS)
    assert [(image.overpass, str(image.day)) for image in files.images] == [
        ("terra_day", "2024-01-02"),
        ("aqua_day", "2024-01-01"),
        ("aqua_day", "2024-01-03"),
    ]
    assert files.overpasses == ("terra_day", "aqua_day")
    assert files.days.astype(str).tolist() == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert [str(entry) for entry in files.rejected] == [f"{tmp_path}/notes.tif: is no image by the names of trims"]
    assert files.paths[0] == tmp_path / "TRIMS_Terra2024002D.tif"


def test_some_overpasses_and_days(tmp_path):
    names = [
        f"TRIMS_{satellite}202400{day}{half}.tif"
        for satellite in ("Terra", "Aqua")
        for day in (1, 2, 3)
        for half in "DN"
    ]
    touch(tmp_path, *names)
    options = {"start": np.datetime64("2024-01-02"), "end": np.datetime64("2024-01-02")}
    files = find_lst(tmp_path, format=LstFormat.TRIMS, overpasses=["aqua_night", "terra_day"], **options)
    assert [path.name for path in files.paths] == ["TRIMS_Terra2024002D.tif", "TRIMS_Aqua2024002N.tif"]
    message = r"holds images of terra_day, .*, aqua_night from 2024-01-01 to 2024-01-03, but none that is asked for"
    with pytest.raises(InputError, match=message):
        find_lst(tmp_path, format=LstFormat.TRIMS, start=np.datetime64("2025-01-01"))


def test_modis_tiles_and_their_flags(tmp_path):
    names = [modis(layer=layer, tile=tile) for layer in ("LST_Day_1km", "QC_Day") for tile in ("h25v05", "h26v05")]
    (image,) = find_lst(touch(tmp_path, *names), format=LstFormat.MODIS).images
    assert [part.tile for part in image.parts] == ["h25v05", "h26v05"]
    assert [part.quality.name for part in image.parts] == names[2:]


def test_modis_without_flags(tmp_path):
    touch(tmp_path, modis(), modis(day="2005002"), modis(layer="QC_Day"))
    message = r"A2005002.*: has no quality flags beside it .* nor have 0 more. Get them, or set max_error: null"
    with pytest.raises(InputError, match=message):
        find_lst(tmp_path, format=LstFormat.MODIS)
    files = find_lst(tmp_path, format=LstFormat.MODIS, max_error=None)
    assert len(files.images) == 2
    assert files.encoding.max_error is None


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (
            ["a/TRIMS_Aqua2024001D.tif", "b/TRIMS_Aqua2024001D.tif"],
            {},
            "is a second image of aqua_day on 2024-01-01 beside",
        ),
        (["MOD11A1.A2005001.h25v05.061.2020.hdf"], {"format": LstFormat.MODIS}, "holds HDF4 files such as MOD11A1"),
        (["other.tif"], {}, "holds no images of the format 'trims'"),
        ([], {"overpasses": ["noon"]}, f"overpasses: noon is unknown; there are {', '.join(OVERPASSES)}"),
        ([], {"pattern": "x"}, "pattern: is 'x', but the format is 'trims'; the two belong together"),
        ([], {"format": LstFormat.PATTERN}, "pattern: is None, but the format is 'pattern'"),
    ],
)
def test_what_cannot_be_found(tmp_path, names, options, message):
    with pytest.raises(InputError, match=message):
        find_lst(touch(tmp_path, *names), **{"format": LstFormat.TRIMS} | options)


def test_a_pattern_with_folders(tmp_path):
    touch(tmp_path, "TD/20050101.tif", "TD/20050103.tif", "AN/20050102.tif", "AN/20050102.xml", "XX/20050101.tif")
    names = {"terra_day": "TD", "aqua_night": "AN"}
    files = find_lst(tmp_path, format=LstFormat.PATTERN, pattern="{overpass}/{date:%Y%m%d}.tif", names=names)
    assert [path.relative_to(tmp_path).as_posix() for path in files.paths] == [
        "TD/20050101.tif",
        "TD/20050103.tif",
        "AN/20050102.tif",
    ]
    assert [entry.path.parent.name for entry in files.rejected] == ["XX"]


def test_unreadable_images_are_listed(tmp_path, write_raster):
    write_raster(tmp_path / "TRIMS_Aqua2024001D.tif", np.full((7, 5), 27000, "uint16"))
    touch(tmp_path, "TRIMS_Aqua2024002D.tif")
    files = drop_unreadable(find_lst(tmp_path, format=LstFormat.TRIMS))
    assert [path.name for path in files.paths] == ["TRIMS_Aqua2024001D.tif"]
    (rejected,) = files.rejected
    assert rejected.path.name == "TRIMS_Aqua2024002D.tif"
    assert "cannot be opened as a raster" in rejected.reason
    (tmp_path / "TRIMS_Aqua2024001D.tif").unlink()
    with pytest.raises(InputError, match=r"TRIMS_Aqua2024002D.tif: cannot be opened .* Nor can any other image"):
        drop_unreadable(find_lst(tmp_path, format=LstFormat.TRIMS))
