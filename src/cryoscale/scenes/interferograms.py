"""From displacement to interferograms: atmosphere, decorrelation, phase noise, what the unwrapper leaves out."""

import numpy as np
from numpy.typing import NDArray

from cryoscale.scenes.network import Network
from cryoscale.scenes.terrain import Field, Terrain, fractal_field

TURBULENCE = 11 / 3  # exponent of the two-dimensional spectrum over a few km (Hanssen 2001, Section 4.7)


def atmosphere(n_epochs: int, shape: tuple[int, int], *, std: float, rng: np.random.Generator) -> Field:
    """Turbulent delay of every acquisition, in displacement that it feigns.

    Parameters
    ----------
    n_epochs : int
        Number of acquisitions.
    shape : tuple of int
        Rows and columns.
    std : float
        Standard deviation over the scene, mm; it varies by about a third from day to day.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    ndarray (time, y, x)
        mm.
    """
    delay = np.empty((n_epochs, *shape), np.float32)
    for epoch in range(n_epochs):
        delay[epoch] = fractal_field(shape, exponent=TURBULENCE, rng=rng)
    strength = std * rng.uniform(0.4, 1.6, (n_epochs, 1, 1))
    return np.asarray(delay * strength.astype(np.float32))


def true_coherence(network: Network, terrain: Terrain, *, rng: np.random.Generator, persistence: float = 1.0) -> Field:
    """Coherence of every pair: what the ground allows, less what time and the days' weather take.

    Parameters
    ----------
    network : Network
        The pairs.
    terrain : Terrain
        Steep slopes and water decorrelate at once, wet lowlands within months.
    rng : numpy.random.Generator
        Decides which days were wet.
    persistence : float
        How many times longer coherence lasts than that of Sentinel-1 on the wet ground of today.

    Returns
    -------
    ndarray (pair, y, x)
        0 to 1.
    """
    steep = np.clip((terrain.slope - 14.0) / 12.0, 0, 1)
    lasting = np.where(terrain.water, 0.08, 0.92 - 0.6 * steep).astype(np.float32)
    decay_days = (500.0 - 320.0 * terrain.ice) * persistence
    weather = 1.0 - np.minimum(rng.exponential(0.04, len(network.epochs)), 0.4) - 0.2 * network.winter
    span = (network.years[network.second] - network.years[network.first]) * 365.25
    paired = np.sqrt(weather[network.first] * weather[network.second])
    decay = np.exp(-span.astype(np.float32)[:, None, None] / decay_days.astype(np.float32))
    return np.asarray(lasting * paired.astype(np.float32)[:, None, None] * decay)


def interferograms(
    displacement: Field,
    coherence: Field,
    *,
    network: Network,
    wavelength: float,
    looks: float,
    mask_below: float,
    rng: np.random.Generator,
) -> tuple[Field, Field]:
    """Unwrapped phase and estimated coherence of every pair.

    phase = -4 pi / wavelength * (change of displacement) + noise. Estimate and noise are modulus and argument of one
    complex number whose scatter along and across the true coherence g is (1 - g^2) / sqrt(2 L) and
    sqrt(1 - g^2) / sqrt(2 L), the Cramer-Rao bounds for L looks (Hanssen 2001, Section 4.2).

    Parameters
    ----------
    displacement : ndarray (time, y, x)
        Toward the satellite, with the feigned one, mm.
    coherence : ndarray (pair, y, x)
        True coherence.
    network : Network
        The pairs.
    wavelength : float
        m.
    looks : float
        Independent looks in a pixel; infinite for noise-free interferograms.
    mask_below : float
        Phase is missing (NaN) where the estimated coherence is below it.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    phase, coherence : ndarray (pair, y, x)
        rad, and 0 to 1.
    """
    phase, estimate = np.empty_like(coherence), np.empty_like(coherence)
    to_phase = np.float32(-4 * np.pi / (1000 * wavelength))
    for pair, (first, second) in enumerate(zip(network.first, network.second, strict=True)):
        observed, noise = _speckle(coherence[pair], looks, rng)
        estimate[pair] = observed
        phase[pair] = to_phase * (displacement[second] - displacement[first]) + noise
    phase[estimate < mask_below] = np.nan
    return phase, estimate


def _speckle(coherence: Field, looks: float, rng: np.random.Generator) -> tuple[Field, Field]:
    """Estimated coherence and phase noise of one pair."""
    along, across = rng.standard_normal((2, *coherence.shape), dtype=np.float32)
    lost = 1 - coherence**2
    scale = np.float32(1 / np.sqrt(2 * looks))
    real: NDArray[np.float32] = coherence + scale * lost * along
    imaginary: NDArray[np.float32] = scale * np.sqrt(lost) * across
    return np.minimum(np.hypot(real, imaginary), 1), np.arctan2(imaginary, real)
