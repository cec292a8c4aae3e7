"""Variograms: how unlike two values are at a distance."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cryoscale.errors import InputError
from cryoscale.stats._kriging import EXPONENTIAL, GAUSSIAN, SPHERICAL, covariances

Values = np.ndarray[Any, Any]


class VariogramModel(StrEnum):
    """Shape of a variogram, s(u), with u the distance divided by the range."""

    EXPONENTIAL = "exponential"
    SPHERICAL = "spherical"
    GAUSSIAN = "gaussian"


_CODES = {
    VariogramModel.EXPONENTIAL: EXPONENTIAL,
    VariogramModel.SPHERICAL: SPHERICAL,
    VariogramModel.GAUSSIAN: GAUSSIAN,
}


@dataclass(frozen=True, slots=True)
class Variogram:
    """An isotropic variogram of one structure and a nugget.

    The semivariance at a distance h > 0 is

        gamma(h) = nugget + partial_sill * s(h / range),

    and 0 at h = 0, with s(u) = 1 - exp(-3 u) (exponential), 1.5 u - 0.5 u^3 and 1 from u = 1 on (spherical), or
    1 - exp(-3 u^2) (Gaussian): the conventions of GSLIB (Deutsch and Journel 1998, section II.3), in which the range
    of the exponential and the Gaussian one is where they reach 95 % of the partial sill.

    A Gaussian one without nugget makes nearly singular kriging systems, and estimates that overshoot: give it a
    nugget of at least a thousandth of its partial sill.

    Attributes
    ----------
    model : VariogramModel
        Its shape, or the name of one.
    nugget : float
        Semivariance just beyond distance 0, not negative, in the squared unit of the values.
    partial_sill : float
        What the structure adds to the nugget, not negative, in the same unit.
    range : float
        Effective range, positive, in the unit of the coordinates (m).

    Raises
    ------
    InputError
        If a parameter is out of range or the model is unknown.

    Examples
    --------
    >>> variogram = Variogram(VariogramModel.SPHERICAL, nugget=0.5, partial_sill=2.0, range=100.0)
    >>> variogram.semivariance([0.0, 50.0, 100.0, 300.0])
    array([0.   , 1.875, 2.5  , 2.5  ])
    >>> variogram.covariance([0.0, 50.0, 100.0, 300.0])
    array([2.5  , 0.625, 0.   , 0.   ])
    """

    model: VariogramModel
    nugget: float
    partial_sill: float
    range: float

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "model", VariogramModel(self.model))
        except ValueError:
            names = ", ".join(VariogramModel)
            raise InputError(f"variogram: no model is called {self.model!r}. Choose one of {names}.") from None
        for name in ("nugget", "partial_sill", "range"):
            value = float(getattr(self, name))
            object.__setattr__(self, name, value)
            if not math.isfinite(value) or value < 0 or (name == "range" and value == 0):
                bound = "positive, in the unit of the coordinates" if name == "range" else "0 or more"
                raise InputError(f"variogram: {name} is {value}. Give a finite number, {bound}.")

    @property
    def sill(self) -> float:
        """Semivariance far away, and covariance at distance 0: nugget + partial_sill."""
        return self.nugget + self.partial_sill

    @property
    def code(self) -> int:
        """Number of the model in compiled code."""
        return _CODES[self.model]

    def semivariance(self, distance: ArrayLike) -> Values:
        """Half the expected squared difference of two values at a distance.

        Parameters
        ----------
        distance : array_like
            Of any shape, not negative, in the unit of the range.

        Returns
        -------
        numpy.ndarray
            float64, of the same shape.
        """
        return np.asarray(self.sill - self.covariance(distance))

    def covariance(self, distance: ArrayLike) -> Values:
        """Covariance of two values at a distance: the sill minus the semivariance.

        Parameters
        ----------
        distance : array_like
            Of any shape, not negative, in the unit of the range.

        Returns
        -------
        numpy.ndarray
            float64, of the same shape; the sill at distance 0.
        """
        h = np.asarray(distance, np.float64)
        return covariances(h.ravel(), self.code, self.nugget, self.partial_sill, self.range).reshape(h.shape)
