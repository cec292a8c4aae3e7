"""Colours of classes: by meaning, told apart by everyone, and from what is no data."""

import itertools

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb

from cryoscale.errors import InputError
from cryoscale.report.maps import NO_DATA
from cryoscale.report.palette import class_colours, class_label, class_names, named_classes
from cryoscale.thermal.rk import RkTable
from cryoscale.variables import VARIABLES, attributes

# How dichromats see linear RGB (Machado, Oliveira and Fernandes 2009, IEEE TVCG 15, 1291, severity 1).
VISION = {
    "usual": np.eye(3),
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanope": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)


def perceived(colour, vision):
    """CIE 1976 L*, a*, b* of a colour as somebody sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = TO_XYZ @ np.clip(np.array(VISION[vision]) @ linear, 0, 1) / [0.95047, 1.0, 1.08883]
    f = [np.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", ["ground_class", "permafrost_change", "lst_source"])
def test_classes_are_told_apart_from_each_other_and_from_no_data(name, vision):
    colours = [*class_colours(xr.DataArray(0, attrs=attributes(name))).values(), NO_DATA]
    seen = [perceived(colour, vision) for colour in colours]
    distances = {
        pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in itertools.combinations(range(len(seen)), 2)
    }
    assert min(distances.values()) > 18, distances


def test_lake_and_glacier_are_the_darkest_and_the_lightest_ground():
    colours = class_colours(xr.DataArray(0, attrs=attributes("ground_class")))
    lightness = {value: perceived(colour, "usual")[0] for value, colour in colours.items()}
    assert min(lightness, key=lightness.get) == 4
    assert max(lightness, key=lightness.get) == 3
    assert lightness[3] > perceived(NO_DATA, "usual")[0] + 20


def test_every_registered_class_has_a_name_and_a_colour():
    for name in (entry.name for entry in VARIABLES.values() if entry.flags and entry.name != "variogram_source"):
        array = xr.DataArray(0, attrs=attributes(name))
        assert class_colours(array).keys() == class_names(array).keys()
        assert "no_data" not in class_names(array).values()


def test_the_same_ground_has_the_same_colour_whatever_its_code():
    attrs = {"flag_values": [7, 3], "flag_meanings": "permafrost lake"}
    ours = class_colours(xr.DataArray(0, attrs=attributes("mean_ground_class")))
    assert class_colours(xr.DataArray(0, attrs=attrs)) == {3: ours[4], 7: ours[1]}


@pytest.mark.parametrize("table", [RkTable.esa_cci_land_cover(), RkTable.esa_cci_pft()])
def test_land_cover_has_a_colour_of_its_own_for_each_class(table):
    colours = class_colours(named_classes(xr.DataArray(0), table.names))
    assert len(set(colours.values())) == len(table.names)


def test_land_cover_of_one_kind_gets_lighter_and_the_first_word_counts():
    names = {1: "tree, closed", 2: "grass, some trees", 3: "trees, open", 4: "grass"}
    colours = class_colours(named_classes(xr.DataArray(0), names))
    lightness = {value: perceived(colour, "usual") for value, colour in colours.items()}
    assert lightness[3][0] > lightness[1][0] + 10
    assert lightness[4][0] > lightness[2][0] + 5
    assert lightness[2][0] > lightness[1][0] + 20


@pytest.mark.parametrize(
    "attrs", [{}, {"flag_values": [1, 2]}, {"flag_values": [1], "flag_meanings": "perma frost"}, {"flag_meanings": "a"}]
)
def test_classes_without_names_are_refused(attrs):
    with pytest.raises(InputError, match=r"land_cover: has \d flag_values and \d flag_meanings.*Set both attributes"):
        class_names(xr.DataArray(0, name="land_cover", attrs=attrs))


def test_labels_say_what_is_meant():
    assert class_label("seasonally_frozen_ground") == "Seasonally frozen ground"
    assert class_label("stable_without") == "Without permafrost"
