"""Synthetic ground: fractal relief around a valley, its slope, where it holds ice and where water stands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2, rfftfreq
from scipy.ndimage import gaussian_filter

Field = NDArray[np.float32]

VALLEY_FLOOR = 3750.0  # m, the height of the Datong valley around Muli
VALLEY_WIDTH = 12_000.0  # m from ridge to ridge, at most; a smaller scene shows one whole valley of its own size
RELIEF_PER_WIDTH = 0.075  # keeps slopes alike whatever the size of the scene


@dataclass(frozen=True, slots=True)
class Terrain:
    """The ground of a scene, every field of shape (y, x).

    Attributes
    ----------
    elevation : ndarray
        m.
    slope : ndarray
        degree.
    height : ndarray
        Place between valley floor (0) and ridge (1).
    ice : ndarray
        Share of the largest ice richness, 0 on bedrock to 1.
    water : ndarray of bool
        River and ponds.
    """

    elevation: Field
    slope: Field
    height: Field
    ice: Field
    water: NDArray[np.bool_]


def fractal_field(shape: tuple[int, int], *, exponent: float, rng: np.random.Generator) -> Field:
    """Random field whose power spectrum falls with wavenumber k as k^-exponent (spectral synthesis).

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    exponent : float
        Of the two-dimensional power spectrum: 3.6 looks like mountains, 11/3 like tropospheric turbulence
        below a few km (Hanssen 2001, Radar Interferometry, Section 4.7).
    rng : numpy.random.Generator
        Source of the white noise.

    Returns
    -------
    ndarray
        float32 with mean 0 and standard deviation 1.

    Examples
    --------
    >>> field = fractal_field((32, 48), exponent=3.6, rng=np.random.default_rng(0))
    >>> field.shape, round(float(field.std()), 3)
    ((32, 48), 1.0)
    """
    rows, columns = 2 * shape[0], 2 * shape[1]  # a quarter of a periodic field does not look periodic
    spectrum = rfft2(rng.standard_normal((rows, columns), dtype=np.float32))
    wavenumber = np.hypot(np.fft.fftfreq(rows, d=1 / rows)[:, None] / rows, rfftfreq(columns)[None, :])
    wavenumber[0, 0] = np.inf
    field = irfft2(spectrum * wavenumber.astype(np.float32) ** np.float32(-exponent / 2), s=(rows, columns))
    field = field[: shape[0], : shape[1]]
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def valley_terrain(shape: tuple[int, int], *, spacing: tuple[float, float], rng: np.random.Generator) -> Terrain:
    """Broad valley from north-west to south-east between fractal mountains, as in the source region of the Datong.

    Ice-rich permafrost lies on gentle slopes in front of the ranges; ridges are bedrock without ice.

    Parameters
    ----------
    shape : tuple of int
        Rows (from north) and columns (from west).
    spacing : tuple of float
        Height and width of a pixel, m.
    rng : numpy.random.Generator
        Source of all that is random in it.

    Returns
    -------
    Terrain
    """
    across, width = _across_valley(shape, spacing)
    relief = RELIEF_PER_WIDTH * width
    rough = fractal_field(shape, exponent=3.6, rng=rng)
    wetness = fractal_field(shape, exponent=2.8, rng=rng)
    meander = 0.04 * width * fractal_field(shape, exponent=4.5, rng=rng)
    profile = (0.5 - 0.5 * np.cos(2 * np.pi * (across + meander) / width)) ** 1.5
    elevation = VALLEY_FLOOR + relief * (profile + (0.02 + 0.16 * profile) * rough)
    slope = slope_angle(elevation, spacing=spacing)
    height = np.clip((elevation - VALLEY_FLOOR) / relief, 0, 1)
    ice = _ice_richness(slope, height, wetness)
    water = _water(across + meander, width, ice, wetness, spacing)
    return Terrain(
        elevation=np.asarray(elevation, np.float32),
        slope=np.asarray(slope, np.float32),
        height=np.asarray(height, np.float32),
        ice=np.asarray(ice, np.float32),
        water=water,
    )


def slope_angle(elevation: NDArray[np.floating], *, spacing: tuple[float, float]) -> NDArray[np.floating]:
    """Steepest slope by central differences.

    Parameters
    ----------
    elevation : ndarray (y, x)
        m.
    spacing : tuple of float
        Height and width of a pixel, m.

    Returns
    -------
    ndarray (y, x)
        degree.

    Examples
    --------
    >>> float(slope_angle(np.outer(np.ones(4), [0.0, 30.0, 60.0]), spacing=(30.0, 30.0))[1, 1].round(6))
    45.0
    """
    along_y, along_x = np.gradient(elevation, *spacing)
    angle: NDArray[np.floating] = np.rad2deg(np.arctan(np.hypot(along_y, along_x)))
    return angle


def _across_valley(shape: tuple[int, int], spacing: tuple[float, float]) -> tuple[NDArray[np.float64], float]:
    """Signed distance from the valley's axis toward the north-east, and the distance from ridge to ridge, m."""
    north = -(np.arange(shape[0]) - (shape[0] - 1) / 2)[:, None] * spacing[0]
    east = (np.arange(shape[1]) - (shape[1] - 1) / 2)[None, :] * spacing[1]
    across = (north + east) / np.sqrt(2)
    return across, min(VALLEY_WIDTH, float(np.ptp(across)) * 0.9)


def _ice_richness(slope: NDArray[np.floating], height: NDArray[np.floating], wetness: Field) -> NDArray[np.floating]:
    """Ice where it is gentle, low and wet; exactly none on steep or high ground."""
    gentle = np.exp(-((gaussian_filter(slope, 3.0) / 8.0) ** 2))
    richness = gentle * (1 - height) ** 1.5 * (0.75 + 0.25 * np.tanh(wetness))
    return np.asarray(np.clip((richness - 0.1) / 0.9, 0, 1))


def _water(
    across: NDArray[np.floating],
    width: float,
    ice: NDArray[np.floating],
    wetness: Field,
    spacing: tuple[float, float],
) -> NDArray[np.bool_]:
    """A river along the axis, at least a pixel wide, and thermokarst ponds where ice-rich ground is wettest."""
    half = max(25.0, *spacing)
    river = np.abs((across + width / 2) % width - width / 2) < half
    ponds = (wetness - gaussian_filter(wetness, 6.0) > 0.7) & (ice > 0.4)
    return np.asarray(river | ponds)
