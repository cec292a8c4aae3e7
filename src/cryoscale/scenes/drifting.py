"""Random fields that drift: weather, clouds and other things that are alike nearby and from one step to the next."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from cryoscale.scenes.terrain import Field

WAVES = 96  # enough that no single wave is seen


@dataclass(frozen=True, slots=True)
class DriftingField:
    """A sum of plane waves with random amplitudes; a step of it costs one product of matrices when it is asked for.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    basis : ndarray (2 waves, pixel)
        Cosine and sine of every wave.
    amplitudes : ndarray (step, 2 waves)
        Their amplitudes.
    """

    shape: tuple[int, int]
    basis: Field
    amplitudes: Field

    def at(self, steps: slice) -> Field:
        """The field at some steps.

        Parameters
        ----------
        steps : slice
            Which.

        Returns
        -------
        ndarray (step, y, x)
            float32.
        """
        return np.asarray((self.amplitudes[steps] @ self.basis).reshape(-1, *self.shape), np.float32)


def drifting_field(
    shape: tuple[int, int],
    n_steps: int,
    *,
    scale: float,
    smoothness: float,
    memory: float,
    drift: tuple[float, float],
    rng: np.random.Generator,
) -> DriftingField:
    """Gaussian field of mean 0 and variance 1 with a Matern covariance in space, autoregressive in time, that moves.

    The waves' numbers are drawn from the spectral density of the covariance, a multivariate t distribution (random
    Fourier features: Rahimi & Recht 2007, NIPS 20). Each amplitude is an AR(1) process; its phase turns with the drift.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    n_steps : int
        Steps in time.
    scale : float
        Length of the covariance, pixels.
    smoothness : float
        Of the Matern covariance: 0.5 is exponential, more is smoother.
    memory : float
        Correlation from step to step, seen from what drifts: 0 to below 1.
    drift : tuple of float
        Rows and columns that it moves in a step.
    rng : numpy.random.Generator
        Source of all that is random in it.

    Returns
    -------
    DriftingField

    Examples
    --------
    >>> field = drifting_field(
    ...     (8, 9), 5, scale=3.0, smoothness=1.5, memory=0.7, drift=(0, 1), rng=np.random.default_rng(0)
    ... )
    >>> field.at(slice(1, 4)).shape
    (3, 8, 9)
    """
    tail = np.sqrt(rng.chisquare(2 * smoothness, WAVES) / (2 * smoothness))
    wavenumbers = rng.standard_normal((WAVES, 2)) / (scale * tail[:, None])
    rows, columns = np.indices(shape).reshape(2, -1)
    phase = wavenumbers[:, :1] * rows + wavenumbers[:, 1:] * columns
    turning = memory * np.exp(-1j * wavenumbers @ np.asarray(drift))
    amplitudes = _amplitudes(turning, n_steps, rng) / np.sqrt(WAVES)
    return DriftingField(
        shape,
        basis=np.concatenate([np.cos(phase), np.sin(phase)]).astype(np.float32),
        amplitudes=np.concatenate([amplitudes.real, -amplitudes.imag], axis=1).astype(np.float32),
    )


def ar1(n_steps: int, *, memory: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Autoregressive series of first order with mean 0 and variance 1, stationary from its first step on.

    Parameters
    ----------
    n_steps : int
        Steps in time.
    memory : float
        Correlation from step to step, 0 to below 1.
    rng : numpy.random.Generator
        Source of the shocks.

    Returns
    -------
    ndarray (step)

    Examples
    --------
    >>> ar1(3, memory=0.5, rng=np.random.default_rng(0)).shape
    (3,)
    """
    shocks = rng.standard_normal(n_steps)
    shocks[1:] *= np.sqrt(1 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], shocks))


def _amplitudes(turning: NDArray[np.complex128], n_steps: int, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Complex AR(1) series (step, wave); real and imaginary part have variance 1."""
    shocks = rng.standard_normal((2, n_steps, len(turning)))
    shocks[:, 1:] *= np.sqrt(1 - np.abs(turning) ** 2)
    series = [
        lfilter([1.0], [1.0, -turn], column)
        for turn, column in zip(turning, (shocks[0] + 1j * shocks[1]).T, strict=True)
    ]
    return np.stack(series, axis=1)
