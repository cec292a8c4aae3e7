"""What disturbs the interferograms of the long-term scene, each with a size that switches it off at 0."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cryoscale.errors import InputError
from cryoscale.scenes.terrain import Field

RAMP_TERMS = ("constant", "x", "y", "xx", "xy", "yy")
SHARES = ("unwrapping", "decorrelation")
QUADRATIC_SHARE = 0.25  # of the acquisitions have a ramp of order 2
QUADRATIC_SIZE = 0.4  # of its second-order terms, relative to the linear ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbances:
    """Sizes of all that stands between the ground's motion and the interferograms.

    Attributes
    ----------
    ramp : float
        Standard deviation of an acquisition's orbital ramp at the scene's edges, in x and in y, mm along the line of
        sight. A quarter of the acquisitions have terms of second order too. The ramp of a pair is the difference of
        those of its acquisitions, so ramps close in every loop, as orbits do.
    wet_delay : float
        Zenith delay of water vapour on the valley floor, mean over time, m. It falls with elevation and is highest in
        summer; its changes are what is stratified in the interferograms.
    turbulence : float
        Standard deviation of the turbulent zenith delay of a day, mm.
    model_error : float
        Standard deviation of the error of the zenith delays that a weather model provides, mm.
    unwrapping : float
        Share of Sentinel-1's pairs with an unwrapping error: a patch of 12 to 35 % of the scene that is wrong by one
        or two cycles.
    decorrelation : float
        Share of Sentinel-1's pairs that hardly cover the scene or are hardly coherent.
    speckle : float
        Inverse of the independent looks in a pixel: phase noise of the coherence at hand.
    lband_noise : float
        Standard deviation of the noise of the L-band rate map, mm a-1; half its variance is smooth in space.
    covariate_noise : float
        Noise of the environmental covariates, relative to what gives them the correlations of the paper.

    Raises
    ------
    InputError
        If a size is negative or infinite, or a share above 1.
    """

    ramp: float = 4.0
    wet_delay: float = 0.08
    turbulence: float = 2.5
    model_error: float = 0.5
    unwrapping: float = 0.04
    decorrelation: float = 0.015
    speckle: float = 0.03
    lband_noise: float = 1.0
    covariate_noise: float = 1.0

    def __post_init__(self) -> None:
        for size in fields(self):
            value, most = getattr(self, size.name), 1.0 if size.name in SHARES else np.inf
            if not 0.0 <= value <= most or value == np.inf:
                raise InputError(f"{size.name}: {value} is no size. Give 0 to {most:g}, 0 to switch it off.")

    @property
    def looks(self) -> float:
        """Independent looks in a pixel."""
        return 1.0 / self.speckle if self.speckle else np.inf


TYPICAL = Disturbances()
"""A world in which all must be dealt with, and can be."""

UNDISTURBED = Disturbances(
    ramp=0.0,
    wet_delay=0.0,
    turbulence=0.0,
    model_error=0.0,
    unwrapping=0.0,
    decorrelation=0.0,
    speckle=0.0,
    lband_noise=0.0,
    covariate_noise=0.0,
)
"""A world in which interferograms show the ground's motion and nothing else."""


def orbital_ramps(n_epochs: int, *, std: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Coefficients of the acquisitions' ramps.

    Parameters
    ----------
    n_epochs : int
        Number of acquisitions.
    std : float
        Standard deviation of the linear terms, mm.
    rng : numpy.random.Generator
        Source of the orbits' errors.

    Returns
    -------
    ndarray (time, term)
        mm, of 1, x, y, x^2, x y and y^2, where x and y run from -1 to 1 between the first and the last pixel centre,
        to the east and to the north.
    """
    coefficients = std * rng.standard_normal((n_epochs, len(RAMP_TERMS)))
    coefficients[:, 0] = 0.0
    second_order = rng.random(n_epochs) < QUADRATIC_SHARE
    coefficients[:, 3:] *= QUADRATIC_SIZE * second_order[:, None]
    return coefficients


def ramp_surfaces(coefficients: NDArray[np.float64], shape: tuple[int, int]) -> Field:
    """Polynomials on a grid.

    Parameters
    ----------
    coefficients : ndarray (time, term)
        See `orbital_ramps`.
    shape : tuple of int
        Rows (from north) and columns (from west).

    Returns
    -------
    ndarray (time, y, x)
        In the unit of the coefficients.

    Examples
    --------
    >>> ramp_surfaces(np.array([[0.0, 1.0, 10.0, 0.0, 0.0, 0.0]]), (2, 3))
    array([[[ 9., 10., 11.],
            [-11., -10., -9.]]], dtype=float32)
    """
    y, x = np.meshgrid(np.linspace(1, -1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    terms = np.stack([np.ones(shape), x, y, x * x, x * y, y * y])
    return np.tensordot(coefficients, terms, axes=1).astype(np.float32)
