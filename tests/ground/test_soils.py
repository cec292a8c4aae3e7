from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from cryoscale.errors import InputError
from cryoscale.ground.soils import (
    LATENT_HEAT,
    WATER_DENSITY,
    FreezingStep,
    Layer,
    Soil,
    UnfrozenWater,
    conductivity,
    enthalpy,
    liquid_share,
    liquid_water,
)

CURVES = st.one_of(
    st.builds(UnfrozenWater, a=st.floats(0.005, 0.1), b=st.floats(-2.0, -0.2)),
    st.just(UnfrozenWater(0.05, -1.0)),
    st.builds(FreezingStep, width=st.floats(0.005, 0.5)),
)
SOILS = st.builds(
    Soil,
    water=st.floats(0.02, 0.9),
    unfrozen=CURVES,
    heat_capacity_thawed=st.floats(2e6, 4e6),
    heat_capacity_frozen=st.floats(1e6, 2.5e6),
    conductivity_thawed=st.floats(0.3, 2.5),
    conductivity_frozen=st.floats(0.5, 4.0),
)
GOOD = {
    "water": 0.4,
    "unfrozen": UnfrozenWater(0.07, -0.19),
    "heat_capacity_thawed": 2.6e6,
    "heat_capacity_frozen": 2.0e6,
    "conductivity_thawed": 1.0,
    "conductivity_frozen": 2.0,
}


@given(SOILS, st.floats(-30, -0.6))
def test_enthalpy_is_the_integral_of_heat_capacity_plus_latent_heat(soil, cold):
    def capacity(temperature):
        share = liquid_share(soil, temperature)
        return soil.heat_capacity_frozen + (soil.heat_capacity_thawed - soil.heat_capacity_frozen) * float(share)

    point = soil.unfrozen.freezing_point(soil.water)
    kinks = [k for k in (point, -getattr(soil.unfrozen, "width", 0.0)) if cold < k < 0]
    marks = sorted({cold, *kinks, *(k for k in (2 * point, 10 * point, 100 * point) if cold < k < 0), 0.0})
    sensible = sum(quad(capacity, a, b, limit=200)[0] for a, b in pairwise(marks))
    latent = LATENT_HEAT * WATER_DENSITY * (soil.water - float(liquid_water(soil, cold)))
    assert float(enthalpy(soil, cold)) == pytest.approx(-sensible - latent, rel=1e-6)


@given(SOILS, st.lists(st.floats(-60, 40), min_size=2, max_size=20, unique=True))
def test_everything_grows_with_the_temperature(soil, temperatures):
    t = np.sort(temperatures)
    t = t[np.append(True, np.diff(t) > 1e-9)]
    share = liquid_share(soil, t)
    assert (np.diff(enthalpy(soil, t)) > 0).all()
    assert (np.diff(share) >= 0).all()
    assert ((share >= 0) & (share <= 1)).all()
    between = sorted([soil.conductivity_frozen, soil.conductivity_thawed])
    k = conductivity(soil, t)
    assert ((k >= between[0] * (1 - 1e-12)) & (k <= between[1] * (1 + 1e-12))).all()


@given(SOILS)
def test_curves_are_continuous_at_the_freezing_point(soil):
    point = soil.unfrozen.freezing_point(soil.water)
    assert float(liquid_water(soil, point)) == pytest.approx(soil.water)
    beyond = point * (1 + 1e-9) - 1e-15
    assert float(liquid_water(soil, beyond)) == pytest.approx(soil.water, rel=1e-6)
    assert float(enthalpy(soil, beyond)) == pytest.approx(float(enthalpy(soil, point)), rel=1e-6, abs=1e2)


def test_the_power_is_that_of_the_files_of_gipl():
    soil = Soil(**GOOD)
    assert liquid_water(soil, [-2.0]) == pytest.approx([0.07 * 2.0**-0.19])
    assert liquid_water(soil, [-1e-9, 0.0, 5.0]) == pytest.approx([0.4, 0.4, 0.4])


def test_the_step_freezes_all_water_evenly():
    soil = Soil(**GOOD | {"unfrozen": FreezingStep(0.2)})
    assert liquid_water(soil, [0.0, -0.05, -0.1, -0.2, -9.0]) == pytest.approx([0.4, 0.3, 0.2, 0.0, 0.0])


def test_ground_without_water_has_no_latent_heat():
    rock = Soil(**GOOD | {"water": 0.0})
    assert enthalpy(rock, [-1e-6, 2.0, -2.0]) == pytest.approx([-2.0, 5.2e6, -4.0e6])
    assert conductivity(rock, [1.0, -1.0]) == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("water", -0.1, "Soil.water: is -0.1, but must be a number from 0 to 1 m3 m-3"),
        ("water", float("nan"), "Soil.water: is nan"),
        ("heat_capacity_thawed", 2.6, "from 100000 to 6e\\+06 J m-3 K-1"),
        ("conductivity_frozen", 0.0, "Soil.conductivity_frozen: is 0.0, but must be a number from 0.01 to 20 W m-1"),
        ("porosity", 0.3, "Soil.water: is 0.4 m3 m-3, more than the porosity of 0.3"),
    ],
)
def test_soils_that_cannot_be_are_refused(name, value, said):
    with pytest.raises(InputError, match=said):
        Soil(**GOOD | {name: value})


def test_layers_and_curves_that_cannot_be_are_refused():
    with pytest.raises(InputError, match=r"Layer.thickness: is -0.2, but must be a number from 0.0001"):
        Layer(Soil(**GOOD), -0.2)
    with pytest.raises(InputError, match=r"UnfrozenWater.b: is 0.19, but must be a number from -10 to -1e-06"):
        UnfrozenWater(0.07, 0.19)
    with pytest.raises(InputError, match=r"FreezingStep.width: is 0, but"):
        FreezingStep(0)
