"""Soils that freeze and thaw: how much of their water is liquid, the heat that they hold, how they conduct it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cryoscale.errors import InputError

Values = np.ndarray[Any, Any]

LATENT_HEAT = 3.34e5
"""Latent heat of fusion, J kg-1."""

WATER_DENSITY = 1000.0
"""kg m-3; contents of ice are given as those of the water that they melt to."""

_RANGES = {
    "water": (0.0, 1.0, "m3 m-3"),
    "porosity": (0.0, 1.0, "m3 m-3"),
    "heat_capacity_thawed": (1e5, 6e6, "J m-3 K-1"),
    "heat_capacity_frozen": (1e5, 6e6, "J m-3 K-1"),
    "conductivity_thawed": (0.01, 20.0, "W m-1 K-1"),
    "conductivity_frozen": (0.01, 20.0, "W m-1 K-1"),
    "thickness": (1e-4, 1e5, "m"),
    "a": (1e-9, 1.0, "m3 m-3"),
    "b": (-10.0, -1e-6, "1"),
    "width": (1e-4, 10.0, "K"),
}


@dataclass(frozen=True, slots=True)
class UnfrozenWater:
    """Unfrozen water by a power of the temperature below 0 degC: ``theta_u = a |T|^b``.

    It holds below the temperature where it equals the water that there is; above, all of it is liquid
    (Lovell 1957; Romanovsky and Osterkamp 2000, Permafrost Periglac. Process. 11, 219).

    Attributes
    ----------
    a : float
        Unfrozen water at -1 degC, m3 m-3.
    b : float
        Exponent, below 0.

    Raises
    ------
    InputError
        If a value is not plausible.

    Examples
    --------
    >>> round(UnfrozenWater(a=0.07, b=-0.19).freezing_point(0.2), 5)
    -0.00398
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        _check(self, "UnfrozenWater")

    def freezing_point(self, water: float) -> float:
        """Temperature below which ice forms.

        Parameters
        ----------
        water : float
            Of the soil, m3 m-3.

        Returns
        -------
        float
            degC.
        """
        return -((water / self.a) ** (1.0 / self.b)) if water > 0 else 0.0

    def _share(self, water: float, cold: Values) -> Values:
        point = -self.freezing_point(water)
        return (np.maximum(cold, point) / point) ** self.b

    def _share_sum(self, water: float, cold: Values) -> Values:
        """Integral of the share over the temperatures from 0 to `cold` below it, K."""
        point, power = -self.freezing_point(water), self.b + 1.0
        ratio = np.log(np.maximum(cold, point) / point)
        grown = ratio if power == 0.0 else np.expm1(power * ratio) / power
        return np.minimum(cold, point) + point * grown


@dataclass(frozen=True, slots=True)
class FreezingStep:
    """All water freezes evenly over a narrow interval below 0 degC, as in coarse ground or in Neumann's problem.

    Attributes
    ----------
    width : float
        The interval, K.

    Raises
    ------
    InputError
        If the width is not plausible.

    Examples
    --------
    >>> FreezingStep(width=0.01).freezing_point(0.3)
    0.0
    """

    width: float = 0.01

    def __post_init__(self) -> None:
        _check(self, "FreezingStep")

    def freezing_point(self, water: float) -> float:  # noqa: ARG002
        """Temperature below which ice forms: 0 whatever the water.

        Parameters
        ----------
        water : float
            Of the soil, m3 m-3.

        Returns
        -------
        float
            degC.
        """
        return 0.0

    def _share(self, water: float, cold: Values) -> Values:  # noqa: ARG002
        return np.maximum(1.0 - cold / self.width, 0.0)

    def _share_sum(self, water: float, cold: Values) -> Values:  # noqa: ARG002
        inside = np.minimum(cold, self.width)
        return inside - inside**2 / (2.0 * self.width)


FreezingCurve = UnfrozenWater | FreezingStep
"""How the water of a soil turns to ice as it cools."""


@dataclass(frozen=True, slots=True)
class Soil:
    """A soil whose water freezes.

    Attributes
    ----------
    water : float
        Water and ice together, as liquid water, m3 m-3. 0 makes a ground without latent heat.
    unfrozen : UnfrozenWater or FreezingStep
        How much of it is liquid below 0 degC.
    heat_capacity_thawed, heat_capacity_frozen : float
        Volumetric, J m-3 K-1.
    conductivity_thawed, conductivity_frozen : float
        W m-1 K-1.
    porosity : float or None
        m3 m-3, where known; the water must fit into it.

    Raises
    ------
    InputError
        If a value is not plausible, or the water does not fit into the pores.

    Examples
    --------
    >>> silt = Soil(0.4, UnfrozenWater(0.07, -0.19), 2.6e6, 2.0e6, 1.05, 2.05, porosity=0.45)
    >>> liquid_water(silt, [1.0, -1.0]).round(2)
    array([0.4 , 0.07])
    """

    water: float
    unfrozen: FreezingCurve
    heat_capacity_thawed: float
    heat_capacity_frozen: float
    conductivity_thawed: float
    conductivity_frozen: float
    porosity: float | None = None

    def __post_init__(self) -> None:
        _check(self, "Soil")
        if self.porosity is not None and self.water > self.porosity:
            raise InputError(
                f"Soil.water: is {self.water:g} m3 m-3, more than the porosity of {self.porosity:g} m3 m-3. "
                "Give the water and ice that the pores hold, ice as the water that it melts to."
            )


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of one soil.

    Attributes
    ----------
    soil : Soil
        What it is made of.
    thickness : float
        m.

    Raises
    ------
    InputError
        If the thickness is not positive.

    Examples
    --------
    >>> rock = Soil(0.0, FreezingStep(), 2.2e6, 2.2e6, 2.5, 2.5)
    >>> Layer(rock, thickness=20.0).thickness
    20.0
    """

    soil: Soil
    thickness: float

    def __post_init__(self) -> None:
        _check(self, "Layer")


def liquid_share(soil: Soil, temperature: npt.ArrayLike) -> Values:
    """Share of the water that is liquid.

    Parameters
    ----------
    soil : Soil
        What the ground is made of.
    temperature : array_like
        degC, of any shape.

    Returns
    -------
    numpy.ndarray
        0 to 1, of that shape; of a soil without water 1 from 0 degC up and 0 below.

    Examples
    --------
    >>> liquid_share(Soil(0.3, FreezingStep(0.1), 2e6, 2e6, 1.0, 2.0), [0.5, -0.05, -2.0])
    array([1. , 0.5, 0. ])
    """
    values = np.asarray(temperature, dtype=float)
    cold = np.maximum(-values, 0.0)
    if soil.water == 0:
        return np.where(values >= 0, 1.0, np.where(values < 0, 0.0, np.nan))
    return soil.unfrozen._share(soil.water, cold)


def liquid_water(soil: Soil, temperature: npt.ArrayLike) -> Values:
    """Volumetric content of liquid water.

    Parameters
    ----------
    soil : Soil
        What the ground is made of.
    temperature : array_like
        degC, of any shape.

    Returns
    -------
    numpy.ndarray
        m3 m-3, of that shape.

    Examples
    --------
    >>> liquid_water(Soil(0.3, UnfrozenWater(0.05, -0.5), 2e6, 2e6, 1.0, 2.0), [2.0, -4.0])
    array([0.3  , 0.025])
    """
    return soil.water * liquid_share(soil, temperature)


def enthalpy(soil: Soil, temperature: npt.ArrayLike) -> Values:
    r"""Heat that the ground holds, 0 at 0 degC with all water liquid.

    .. math:: H(T) = \int_0^T C \, dT + L \rho_w (\theta_u(T) - \theta)

    with a heat capacity between the frozen and the thawed one by the share of the water that is liquid
    (Andersland and Ladanyi 2004, Frozen Ground Engineering).

    Parameters
    ----------
    soil : Soil
        What the ground is made of.
    temperature : array_like
        degC, of any shape.

    Returns
    -------
    numpy.ndarray
        J m-3, of that shape; it always grows with the temperature.

    Examples
    --------
    >>> enthalpy(Soil(0.3, FreezingStep(0.01), 2e6, 2e6, 1.0, 2.0), [1.0, 0.0, -1.0]) / 1e6
    array([   2. ,    0. , -102.2])
    """
    values = np.asarray(temperature, dtype=float)
    cold = np.maximum(-values, 0.0)
    thawed = soil.unfrozen._share_sum(soil.water, cold) if soil.water > 0 else np.zeros_like(cold)
    sensible = soil.heat_capacity_thawed * thawed + soil.heat_capacity_frozen * (cold - thawed)
    latent = LATENT_HEAT * WATER_DENSITY * (soil.water - liquid_water(soil, values))
    return np.where(values >= 0, soil.heat_capacity_thawed * values, -sensible - latent)


def conductivity(soil: Soil, temperature: npt.ArrayLike) -> Values:
    """Thermal conductivity, the geometric mean of the frozen and the thawed one by the share of liquid water.

    Geometric means over constituents are those of Johansen (1975) and of Lachenbruch et al. (1982, J. Geophys. Res. 87,
    9301).

    Parameters
    ----------
    soil : Soil
        What the ground is made of.
    temperature : array_like
        degC, of any shape.

    Returns
    -------
    numpy.ndarray
        W m-1 K-1, of that shape.

    Examples
    --------
    >>> conductivity(Soil(0.3, FreezingStep(0.1), 2e6, 2e6, 1.0, 2.0), [1.0, -0.05, -1.0]).round(3)
    array([1.   , 1.414, 2.   ])
    """
    share = liquid_share(soil, temperature)
    return np.asarray(soil.conductivity_frozen * (soil.conductivity_thawed / soil.conductivity_frozen) ** share)


def _check(owner: object, title: str) -> None:
    """Refuse values outside the plausible range of their field."""
    for name in owner.__slots__:  # type: ignore[attr-defined]
        value = getattr(owner, name)
        if name not in _RANGES or value is None:
            continue
        low, high, unit = _RANGES[name]
        if not (isinstance(value, int | float) and math.isfinite(value) and low <= value <= high):
            raise InputError(
                f"{title}.{name}: is {value!r}, but must be a number from {low:g} to {high:g} {unit}. "
                "Check its value and its unit."
            )
