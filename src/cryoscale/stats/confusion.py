"""How well a map of classes agrees with another: confusion matrix, accuracies, Cohen's kappa and its uncertainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtri

from cryoscale.errors import InputError
from cryoscale.stats.pairing import paired_with, sum_over_chunks

Values = np.ndarray[Any, Any]
Classes = Mapping[int, str] | Sequence[int]


@dataclass(frozen=True)
class Confusion:
    """Agreement of a predicted with an observed classification.

    Attributes
    ----------
    matrix : pandas.DataFrame
        Number of pixels by predicted (rows) and observed class (columns).

    Examples
    --------
    >>> result = confusion(np.array([1, 1, 2, 2, 2]), np.array([1, 2, 2, 2, 2]))
    >>> result.n, result.overall_accuracy, round(result.kappa, 4)
    (5, 0.8, 0.5455)
    >>> result.users_accuracy.to_dict()
    {'1': 0.5, '2': 1.0}
    """

    matrix: pd.DataFrame

    @property
    def n(self) -> int:
        """Pixels with a class in both maps."""
        return int(self._counts.sum())

    @property
    def overall_accuracy(self) -> float:
        """Share of the pixels that have the same class in both maps."""
        return float(np.trace(self._counts) / self.n)

    @property
    def kappa(self) -> float:
        """Agreement beyond chance (Cohen 1960, Educ. Psychol. Meas. 20, 37); NaN where all is one class."""
        return float(_kappa(self._counts))

    @property
    def kappa_error(self) -> float:
        """Standard error of kappa for independent pixels (Fleiss, Cohen and Everitt 1969, Psychol. Bull. 72, 323).

        Neighbouring pixels are not independent: `kappa_interval` with blocks is the honest measure for maps.
        """
        return _kappa_error(self._counts)

    @property
    def kappa_interval(self) -> tuple[float, float]:
        """Interval of 95 % about kappa for independent pixels, from its standard error."""
        reach = float(ndtri(0.975)) * self.kappa_error
        return self.kappa - reach, min(self.kappa + reach, 1.0)

    @property
    def producers_accuracy(self) -> pd.Series:
        """Share of an observed class that is predicted as such (1 - omission); NaN where it is never observed."""
        return self._shares(axis=0)

    @property
    def users_accuracy(self) -> pd.Series:
        """Share of a predicted class that is observed as such (1 - commission); NaN where it is never predicted."""
        return self._shares(axis=1)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the producer's accuracies of the observed classes: what rare classes do not vanish in."""
        return float(self.producers_accuracy.mean())

    @property
    def _counts(self) -> Values:
        return self.matrix.to_numpy(dtype=np.float64)

    def _shares(self, *, axis: int) -> pd.Series:
        totals = self._counts.sum(axis=axis)
        right = np.diag(self._counts)
        return pd.Series(np.divide(right, totals, where=totals > 0, out=np.full_like(right, np.nan)), self.matrix.index)


def confusion(
    predicted: xr.DataArray | Values,
    observed: xr.DataArray | Values,
    *,
    classes: Classes | None = None,
    where: xr.DataArray | Values | None = None,
) -> Confusion:
    """Compare two maps of classes over all pixels where both have one.

    A reduction: maps on Dask are counted chunk by chunk and summed; `confusion_matrix` is its lazy part.

    Parameters
    ----------
    predicted, observed : xarray.DataArray or numpy.ndarray
        Integer class codes on one grid; 0, NaN and all codes that `classes` does not name are no data.
    classes : mapping of int to str or sequence of int, optional
        Codes to compare, with their names. By default those of the attributes ``flag_values`` and ``flag_meanings``
        of either map, else, of maps in memory, all codes that occur.
    where : xarray.DataArray or numpy.ndarray, optional
        Boolean, on the same grid: True where pixels count.

    Returns
    -------
    Confusion

    Raises
    ------
    InputError
        If the grids differ, the codes are not known, or no pixel has a class in both maps.

    Examples
    --------
    >>> names = {1: "permafrost", 2: "seasonally frozen ground"}
    >>> result = confusion(np.array([1, 1, 2, 0]), np.array([1, 2, 2, 2]), classes=names)
    >>> result.matrix.to_numpy().tolist()
    [[1, 1], [0, 1]]
    """
    counts = confusion_matrix(predicted, observed, classes=classes, where=where).compute()
    if not counts.values.any():
        raise InputError(
            f"{_name(predicted, 'predicted map')} and {_name(observed, 'observed map')}: no pixel has a class out of "
            f"{', '.join(counts.predicted.values)} in both. This looks like a survey map without overlap: check its "
            "place, its codes and its mask."
        )
    return Confusion(pd.DataFrame(counts.values, index=counts.indexes["predicted"], columns=counts.indexes["observed"]))


def confusion_matrix(
    predicted: xr.DataArray | Values,
    observed: xr.DataArray | Values,
    *,
    classes: Classes | None = None,
    where: xr.DataArray | Values | None = None,
) -> xr.DataArray:
    """Count the pixels of each pair of predicted and observed class.

    Parameters
    ----------
    predicted, observed, classes, where
        As of `confusion`.

    Returns
    -------
    xarray.DataArray
        int64 (predicted, observed) with the names of the classes as coordinates; lazy where an input is lazy.

    Raises
    ------
    InputError
        If the grids differ or the codes are not known.

    Examples
    --------
    >>> confusion_matrix(np.array([1, 2, 2]), np.array([1, 1, 2])).values.tolist()
    [[1, 0], [1, 1]]
    """
    predicted = _as_array(predicted, "predicted map")
    others = [_as_array(observed, "observed map")] + ([] if where is None else [_as_array(where, "where")])
    others = [paired_with(predicted, other) for other in others]
    names = _class_names(predicted, others[0], classes)
    codes = np.array(sorted(names))
    counts = sum_over_chunks(partial(_count, codes=codes), predicted, *others, shape=(codes.size, codes.size))
    labels = [names[code] for code in codes.tolist()]
    return xr.DataArray(
        counts,
        {"predicted": labels, "observed": labels},
        ("predicted", "observed"),
        "confusion",
        {"units": "1", "long_name": "number of pixels"},
    )


def kappa_interval(
    predicted: xr.DataArray | Values,
    observed: xr.DataArray | Values,
    *,
    blocks: xr.DataArray | Values,
    seed: int,
    n: int = 999,
    level: float = 0.95,
    classes: Classes | None = None,
) -> tuple[float, float]:
    """Interval about Cohen's kappa of two maps whose neighbouring pixels are alike: a bootstrap of whole blocks.

    Blocks of ground are drawn with replacement, as many as there are, and kappa is taken of all their pixels; the
    interval holds the middle share of the draws (percentile method; for blocks see Lahiri 2003, Resampling Methods
    for Dependent Data). A block should be wider than the distance over which errors are alike.

    Parameters
    ----------
    predicted, observed : xarray.DataArray or numpy.ndarray
        Integer class codes on one grid, as of `confusion`; lazy maps are computed.
    blocks : xarray.DataArray or numpy.ndarray
        Integer label of the block that a pixel lies in, on the same grid (`learning.spatial_blocks`).
    seed : int
        Of the draws: the same seed, the same interval.
    n : int
        Number of draws.
    level : float
        Share of the draws that the interval holds, between 0 and 1.
    classes : mapping of int to str or sequence of int, optional
        As of `confusion`.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Raises
    ------
    InputError
        If the pixels with a class in both maps lie in fewer than two blocks, or the grids differ.

    Examples
    --------
    >>> truth = np.tile([1, 2], 200)
    >>> guess = np.where(np.arange(400) % 10 < 8, truth, 1)
    >>> low, high = kappa_interval(guess, truth, blocks=np.arange(400) // 20, seed=0)
    >>> bool(low <= confusion(guess, truth).kappa <= high)
    True
    """
    predicted = _as_array(predicted, "predicted map")
    observed, blocks = (
        paired_with(predicted, _as_array(a, w)) for a, w in ((observed, "observed map"), (blocks, "blocks"))
    )
    codes = np.array(sorted(_class_names(predicted, observed, classes)))
    per_block = _count_blocks(predicted.values, observed.values, blocks.values, codes)
    if len(per_block) < 2:
        raise InputError(
            f"blocks: the pixels with a class in both maps lie in {len(per_block)} block; a bootstrap needs two "
            "or more. Take smaller blocks."
        )
    n_blocks = len(per_block)
    draws = np.random.default_rng(seed).multinomial(n_blocks, np.full(n_blocks, 1.0 / n_blocks), size=n)
    kappas = _kappa((draws @ per_block.reshape(n_blocks, -1)).reshape(n, codes.size, codes.size))
    low, high = np.nanquantile(kappas, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def _as_array(values: xr.DataArray | Values, name: str) -> xr.DataArray:
    return values if isinstance(values, xr.DataArray) else xr.DataArray(np.asarray(values), name=name)


def _name(values: Any, otherwise: str) -> str:
    return str(getattr(values, "name", None) or otherwise)


def _class_names(predicted: xr.DataArray, observed: xr.DataArray, classes: Classes | None) -> dict[int, str]:
    """Names of the codes to compare, without 0."""
    if classes is not None:
        names = dict(classes) if isinstance(classes, Mapping) else {int(code): str(code) for code in classes}
        return {int(code): str(name) for code, name in names.items() if code != 0}
    for flags in (predicted.attrs, observed.attrs):
        if "flag_values" in flags and "flag_meanings" in flags:
            pairs = zip(flags["flag_values"], str(flags["flag_meanings"]).split(), strict=True)
            return {int(code): meaning for code, meaning in pairs if code != 0}
    return {code: str(code) for code in sorted(_codes_of(predicted) | _codes_of(observed))}


def _codes_of(array: xr.DataArray) -> set[int]:
    if array.chunks is not None:
        raise InputError(f"{array.name or 'map'}: is lazy and has no flag_values; name the codes: classes=(1, 2).")
    codes = np.unique(array.values[~np.isnan(array.values)])
    if (codes != np.round(codes)).any():
        raise InputError(
            f"{array.name or 'map'}: holds {codes[codes != np.round(codes)][0]}; classes must be integers."
        )
    return {int(code) for code in codes} - {0}


def _pair_codes(predicted: Values, observed: Values, codes: Values) -> tuple[Values, Values]:
    """Row-major cell of the matrix for each pixel, and where a pixel has both classes."""
    cells = [np.minimum(np.searchsorted(codes, values), codes.size - 1) for values in (predicted, observed)]
    both = (codes[cells[0]] == predicted) & (codes[cells[1]] == observed)
    return cells[0] * codes.size + cells[1], both


def _count(predicted: Values, observed: Values, where: Values | None = None, *, codes: Values) -> Values:
    cells, counted = _pair_codes(predicted, observed, codes)
    if where is not None:
        counted &= where.astype(bool)
    return np.bincount(cells[counted], minlength=codes.size**2).reshape(codes.size, codes.size)


def _count_blocks(predicted: Values, observed: Values, blocks: Values, codes: Values) -> Values:
    """Confusion matrices (block, predicted, observed) of the blocks that hold a pixel with both classes."""
    cells, both = _pair_codes(predicted, observed, codes)
    labels, block = np.unique(blocks[both], return_inverse=True)
    size = codes.size**2
    counts = np.bincount(block.reshape(-1) * size + cells[both], minlength=labels.size * size)
    return counts.reshape(labels.size, codes.size, codes.size)


def _kappa(counts: Values) -> Values:
    """Cohen's kappa of matrices (..., predicted, observed)."""
    counts = np.asarray(counts, dtype=np.float64)
    n = counts.sum(axis=(-2, -1))
    agreement = np.trace(counts, axis1=-2, axis2=-1) * n
    chance = (counts.sum(axis=-1) * counts.sum(axis=-2)).sum(axis=-1)
    most = n * n - chance
    kappas: Values = np.divide(agreement - chance, most, where=most > 0, out=np.full(np.shape(most), np.nan))
    return kappas


def _kappa_error(counts: Values) -> float:
    """Delta method on the multinomial: the four sums are theta 1 to 4 of Congalton and Green's notation."""
    n = counts.sum()
    shares = counts / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    agreement, chance = np.trace(shares), rows @ columns
    if chance >= 1.0:
        return float("nan")
    diagonal = np.diag(shares) @ (rows + columns)
    crossed = (shares * (rows[np.newaxis, :] + columns[:, np.newaxis]) ** 2).sum()
    wrong, room = 1.0 - agreement, 1.0 - chance
    variance = (
        agreement * wrong / room**2
        + 2.0 * wrong * (2.0 * agreement * chance - diagonal) / room**3
        + wrong**2 * (crossed - 4.0 * chance**2) / room**4
    )
    return float(np.sqrt(max(variance, 0.0) / n))
