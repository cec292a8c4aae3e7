"""What the detail of downscaled images earns: errors under any weight of it, and the weight to give it."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

Values = np.ndarray[Any, Any]

SUMS = ("n", "bilinear", "dd", "de", "ee", "de_wider", "ee_wider")
"""Names of the sums that `Earnings` holds."""


@dataclass(frozen=True)
class Earnings:
    r"""Sums over held-out pixels of each image and block, enough for the error under any weight of the detail.

    With :math:`d` the truth less the conserving interpolation and :math:`e` the predicted detail, the squared error
    under the weight w is :math:`\sum d^2 - 2 w \sum d e + w^2 \sum e^2`, and least at
    :math:`w = \sum d e / \sum e^2`.

    Attributes
    ----------
    n, bilinear, dd, de, ee : numpy.ndarray
        (image, block): pixels, squared error of bilinear interpolation, and the three sums, of detail within blocks of
        2 x 2 coarse pixels.
    de_wider, ee_wider : numpy.ndarray
        The same of what detail within blocks of 4 x 4 has more: the next octave of scale.
    folds : numpy.ndarray
        Fold of every block.
    """

    n: Values
    bilinear: Values
    dd: Values
    de: Values
    ee: Values
    de_wider: Values
    ee_wider: Values
    folds: Values

    def earned(self, blocks: Values | slice = slice(None)) -> tuple[Values, Values]:
        """Weight of the least squared error of each image in these blocks, and its standard error.

        The standard error is that of a ratio of sums over blocks, which count as independent (Cochran 1977, Sampling
        Techniques, Eq. 6.13).

        Parameters
        ----------
        blocks : numpy.ndarray or slice
            True for those that count, (block,); all by default.

        Returns
        -------
        tuple of numpy.ndarray
            Each (image,); 0 and infinity where fewer than two blocks have a detail.
        """
        de, ee = self.de[:, blocks], self.ee[:, blocks]
        count = (ee > 0.0).sum(axis=1)
        best = _ratio(de, ee)
        squares = ((de - best[:, None] * ee) ** 2).sum(axis=1) * count / np.maximum(count - 1, 1)
        error = np.sqrt(squares) / np.where(count > 1, ee.sum(axis=1), 1.0)
        return np.where(count > 1, best, 0.0), np.where(count > 1, error, np.inf)

    def decline(self) -> Values:
        """By how much less the detail earns in the octave next to coarse pixels than in the one above, at least 0.

        Returns
        -------
        numpy.ndarray
            (image,); 0 where images are too small to tell.
        """
        wider = np.where(self.ee_wider.sum(axis=1) > 0.0, _ratio(self.de_wider, self.ee_wider), 0.0)
        return np.asarray(np.maximum(wider - _ratio(self.de, self.ee), 0.0))

    def weights(self) -> Values:
        """Weight of each image for pixels finer than the coarse ones.

        What is earned, less its standard error, less the decline: the trend goes on for one octave, that below coarse
        pixels, which holds most of what can be gained.

        Returns
        -------
        numpy.ndarray
            (image,), between 0 and 1.
        """
        best, error = self.earned()
        return np.asarray(np.clip(best - error - self.decline(), 0.0, 1.0))

    def pooled(self) -> Self:
        """Sums over all images: the same with one image.

        Returns
        -------
        Earnings
        """
        sums = {name: getattr(self, name).sum(axis=0, keepdims=True) for name in SUMS}
        return type(self)(**sums, folds=self.folds)

    def rmse(self) -> float:
        """Error under weights that the other folds earned, less a standard error, between 0 and 1.

        Returns
        -------
        float
            In the unit of the images.
        """
        total = 0.0
        for fold in np.unique(self.folds):
            inside = self.folds == fold
            best, error = self.earned(~inside)
            w = np.clip(best - error, 0.0, 1.0)[:, None]
            total += float((self.dd - 2.0 * w * self.de + w**2 * self.ee)[:, inside].sum())
        return self._root(total)

    def rmse_at(self, weight: float) -> float:
        """Error under a given weight: 0 is the conserving interpolation, 1 the unweighted detail.

        Parameters
        ----------
        weight : float
            Of the detail.

        Returns
        -------
        float
            In the unit of the images.
        """
        return self._root(float((self.dd - 2.0 * weight * self.de + weight**2 * self.ee).sum()))

    def rmse_of_bilinear(self) -> float:
        """Error of bilinear interpolation.

        Returns
        -------
        float
            In the unit of the images.
        """
        return self._root(float(self.bilinear.sum()))

    def _root(self, total: float) -> float:
        return float(np.sqrt(max(total, 0.0) / max(self.n.sum(), 1)))


def _ratio(de: Values, ee: Values) -> Values:
    """Slope of each image; 0 where there is no detail."""
    total = ee.sum(axis=1)
    return np.asarray(np.where(total > 0.0, de.sum(axis=1) / np.where(total > 0.0, total, 1.0), 0.0))
