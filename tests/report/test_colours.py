import numpy as np
import pytest
import xarray as xr
from cmcrameri import cm
from matplotlib.colors import to_hex

from cryoscale.report.colours import drawn_like, map_colours
from cryoscale.schemas import STORE_KINDS
from cryoscale.variables import VARIABLES, attributes


def test_the_palette_is_that_of_the_figures():
    colours = map_colours(xr.DataArray(0.0, name="velocity"))
    assert len(colours.palette) == 256
    assert (colours.palette[0], colours.palette[-1]) == (to_hex(cm.vik_r(0.0)), to_hex(cm.vik_r(1.0)))
    assert colours.limits_of(np.array([-3.0, 1.0, np.nan])) == pytest.approx((-3.0, 3.0), abs=0.2)


def test_fixed_limits_are_the_quantity_s_own():
    probability = map_colours(xr.DataArray(0.0, name="permafrost_probability"))
    assert probability.limits_of(np.array([0.4, 0.5])) == (0.0, 1.0)


def test_classes_are_a_colour_each():
    attrs = {"flag_values": [0, 1, 2], "flag_meanings": "no_data permafrost lake"}
    colours = map_colours(xr.DataArray(0, attrs=attrs, name="ground_class"))
    assert colours.classes == ((1, "Permafrost"), (2, "Lake"))
    assert len(colours.palette) == 2
    assert colours.limits == (-0.5, 1.5)


@pytest.mark.parametrize(
    ("name", "like"),
    [("ttop", "mean_ttop"), ("vertical_rate", "velocity"), ("moisture_upper", "moisture"), ("elevation", "elevation")],
)
def test_alike_quantities_are_drawn_alike(name, like):
    array = xr.DataArray(0.0, name=name, attrs={"units": "m"})
    assert drawn_like(array).name == like
    assert drawn_like(array).attrs == array.attrs


def test_every_stored_variable_has_colours():
    names = {name for kind in STORE_KINDS.values() for name in (*kind.required, *kind.optional)}
    for name in names:
        colours = map_colours(xr.DataArray(0, name=name, attrs=attributes(name)))
        assert len(colours.palette) == (len(colours.classes) or 256), name
        assert bool(colours.classes) == bool(VARIABLES[name].flags), name
