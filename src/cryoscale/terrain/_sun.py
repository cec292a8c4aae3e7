"""Sunshine on slopes: the cosine of its incidence, integrated exactly over a day; compiled, on arrays."""

import math
from typing import Any

import numpy as np
from numba import njit

from cryoscale.terrain._derivatives import Frame, fill_axes, gradients

Array = np.ndarray[Any, Any]

SOLAR_CONSTANT = 0.0820e6 / 60.0
"""Radiation on a surface that faces the sun, at its mean distance, W m-2 (FAO-56, Eq. 21)."""

TWO_PI = 2.0 * np.pi
_entry = njit(cache=True, error_model="numpy", nogil=True)
_compiled = njit(error_model="numpy", nogil=True)


def sunshine(heights: Array, frame: Frame, *, day: int, transmissivity: float) -> Array:
    """Mean radiation of a day under a clear sky.

    Parameters
    ----------
    heights : numpy.ndarray
        (y, x), m, NaN where there is no data.
    frame : Frame
        Of the block.
    day : int
        Of the year.
    transmissivity : float
        Of the clear sky, beam and scattered light together.

    Returns
    -------
    numpy.ndarray
        (1, y, x), W m-2, float32.
    """
    year = TWO_PI * day / 365.0
    declination = 0.409 * math.sin(year - 1.39)  # FAO-56, Eq. 24
    beam = (transmissivity - 0.35) / 0.64  # from K_B + K_D and K_D = 0.35 - 0.36 K_B
    above = SOLAR_CONSTANT * (1.0 + 0.033 * math.cos(year))  # FAO-56, Eq. 23
    shares = above * np.array([beam, 0.35 - 0.36 * beam])
    out = np.empty((1, *heights.shape), np.float32)
    _fill_sunshine(gradients(heights, frame), frame.lattice, frame.node, frame.weight, declination, shares, out[0])
    return out


@_entry
def _fill_sunshine(
    gradient: Array, lattice: Array, node: Array, weight: Array, declination: float, shares: Array, out: Array
) -> None:
    axes = np.empty((5, out.shape[1]))
    for i in range(out.shape[0]):
        fill_axes(lattice, node[i], weight[i], axes)
        for j in range(out.shape[1]):
            east, north = gradient[0, i, j], gradient[1, i, j]
            up = 1.0 / math.sqrt(1.0 + east * east + north * north)
            level, beam = _day(-east * up, -north * up, up, axes[4, j], declination)
            sky = (1.0 + up) / 2.0
            out[i, j] = (shares[0] * beam + shares[1] * sky * level) / TWO_PI


@_compiled
def _day(east: float, north: float, up: float, latitude: float, declination: float) -> tuple[float, float]:
    """Cosine of the incidence on level ground and on a slope, integrated over the hour angle of a day.

    The cosine on a surface with the normal (east, north, up) is a + b cos(hour angle) + c sin(hour angle).
    """
    sine, cosine = math.sin(declination), math.cos(declination)
    level_a, level_b = sine * math.sin(latitude), cosine * math.cos(latitude)
    sunset = _half_width(level_a, level_b)
    level = 2.0 * (level_a * sunset + level_b * math.sin(sunset))
    a = sine * (north * math.cos(latitude) + up * math.sin(latitude))
    b = cosine * (up * math.cos(latitude) - north * math.sin(latitude))
    c = -cosine * east
    noon, half = math.atan2(c, b), _half_width(a, math.sqrt(b * b + c * c))
    beam = 0.0
    for turn in (-TWO_PI, 0.0, TWO_PI):  # the sun may leave a slope that faces the pole at noon, and come again
        start, end = max(-sunset, noon - half + turn), min(sunset, noon + half + turn)
        if end > start:
            beam += a * (end - start) + b * (math.sin(end) - math.sin(start)) - c * (math.cos(end) - math.cos(start))
    return level, beam


@_compiled
def _half_width(mean: float, amplitude: float) -> float:
    """Angle up to which mean + amplitude cos(angle) is positive: 0 if nowhere, pi if everywhere."""
    if mean >= amplitude:
        return np.pi
    if mean <= -amplitude:
        return 0.0
    return math.acos(-mean / amplitude)
