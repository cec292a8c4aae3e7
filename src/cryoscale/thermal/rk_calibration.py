"""Calibrate r_k by class against a survey map of permafrost, and say honestly how well that does elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import pandas as pd

from cryoscale.errors import InputError
from cryoscale.learning.folds import fold_splits, grouped_folds
from cryoscale.stats.confusion import Confusion, confusion, kappa_interval
from cryoscale.thermal._rk_search import Steps, find_steps, maximise_kappa
from cryoscale.thermal.rk import RkTable
from cryoscale.thermal.rk_samples import (
    PLAUSIBLE_RK,
    Map,
    Values,
    checked_bounds,
    flattened,
    require_degree_days,
    rk_by_class,
)

_COLUMNS = ("rk", "lower", "upper", "n", "n_permafrost", "pooled")
_STATES = {1: "permafrost", 2: "seasonally_frozen_ground"}


@dataclass(frozen=True)
class RkCalibration:
    """r_k that brings TTOP closest to a survey.

    Attributes
    ----------
    rk : float
        One r_k for all pixels: what classes with too few pixels take.
    rk_interval : tuple of float
        Between these no pixel changes its state: all r_k in it do as well.
    classes : pandas.DataFrame
        By class (index): ``rk``; ``lower`` and ``upper`` of the interval in which all r_k do as well; ``n`` and
        ``n_permafrost``, pixels and those that the survey shows as permafrost; ``pooled``, True where the class has
        too few pixels and takes the r_k of all. Empty where no classes were given.
    confusion : Confusion
        Of TTOP with these r_k against the survey that they were fitted to.
    """

    rk: float
    rk_interval: tuple[float, float]
    classes: pd.DataFrame
    confusion: Confusion

    def rk_of(self, codes: Values) -> Values:
        """r_k by class code, that of all pixels for a class that the survey did not hold.

        Parameters
        ----------
        codes : numpy.ndarray
            Class codes, 1-D.

        Returns
        -------
        numpy.ndarray
            1, of the shape of `codes`.
        """
        return rk_by_class(self.classes, codes, self.rk)


@dataclass(frozen=True)
class RkValidation:
    """A calibration of r_k with its spatial cross-validation.

    Attributes
    ----------
    calibration : RkCalibration
        Fitted to all pixels; its kappa is that of the fit.
    folds : tuple of RkCalibration
        Fitted without the blocks of one fold each.
    confusion : Confusion
        Of all pixels, each predicted by the calibration that has not seen its fold: the honest kappa.
    kappa_interval : tuple of float
        Interval of 95 % about the honest kappa, from a bootstrap of the blocks.
    """

    calibration: RkCalibration
    folds: tuple[RkCalibration, ...]
    confusion: Confusion
    kappa_interval: tuple[float, float]

    @property
    def rk_error(self) -> pd.Series:
        """Standard error of r_k by class.

        The root of the sum of two variances: that of the jackknife over the folds, (k - 1) / k times the sum of squared
        deviations from their mean, and that of a uniform distribution over the interval in which all r_k do as
        well, its width squared / 12, which is what remains unknown where the survey shows one state only. A guide
        more than a measure: a maximum of counts moves in jumps, for which no jackknife is exact.
        """
        classes = self.calibration.classes
        folds = np.stack([fold.rk_of(classes.index.to_numpy()) for fold in self.folds])
        variance = (len(folds) - 1) * folds.var(axis=0) + (classes["upper"] - classes["lower"]) ** 2 / 12.0
        return pd.Series(np.sqrt(variance), classes.index, name="rk_error")

    def table(self, names: Mapping[int, str] | None = None) -> RkTable:
        """Table of the calibrated classes, for `map_rk`.

        Parameters
        ----------
        names : mapping of int to str, optional
            Names of the classes; the code by default.

        Returns
        -------
        RkTable
        """
        frame = self.calibration.classes.assign(rk_error=self.rk_error).reset_index()
        named = frame["class"].map(lambda code: (names or {}).get(code, str(code)))
        return RkTable.from_frame(frame.assign(name=named))


def calibrate_rk_to_survey(
    ddt: Map,
    ddf: Map,
    survey: Map,
    classes: Map | None = None,
    *,
    bounds: tuple[float, float] = PLAUSIBLE_RK,
    min_pixels: int = 50,
) -> RkCalibration:
    """Find the r_k by class with the largest Cohen's kappa between TTOP and a survey map of permafrost.

    TTOP <= 0 where r_k DDT <= DDF, thus where r_k <= DDF / DDT: only the sorted ratios of a class matter, and the
    maximum over all classes together is exact (Dinkelbach 1967, Manage. Sci. 13, 492). It is an interval of r_k, of
    which the middle is taken; but where it holds the r_k of all pixels that one is, as nothing speaks against it.

    A reduction over pixels in memory: lazy maps are computed, so give the part that the survey covers.

    Parameters
    ----------
    ddt, ddf : xarray.DataArray or numpy.ndarray
        Thawing and freezing degree-days of the ground surface, degC d, mean over years; NaN is no data.
    survey : xarray.DataArray or numpy.ndarray
        Of the same shape: 1 permafrost, 2 seasonally frozen ground, anything else no data.
    classes : xarray.DataArray or numpy.ndarray, optional
        Of the same shape, codes of land cover or soil; 0 and NaN are no data. Without, one r_k is found for all.
    bounds : tuple of float
        Lowest and highest r_k that is plausible.
    min_pixels : int
        A class with fewer pixels takes the r_k of all pixels.

    Returns
    -------
    RkCalibration

    Raises
    ------
    InputError
        If shapes, grids or units differ, degree-days are negative, no pixel has all data, the survey shows one state
        only, or the bounds are not plausible.

    Examples
    --------
    >>> ddt = np.full(6, 1000.0)
    >>> ddf = np.array([500.0, 600.0, 700.0, 800.0, 900.0, 1000.0])
    >>> result = calibrate_rk_to_survey(ddt, ddf, np.array([2, 2, 2, 1, 1, 1]))
    >>> result.rk_interval, result.rk, result.confusion.kappa
    ((0.7, 0.8), 0.75, 1.0)
    """
    return _calibrate(
        _Pixels.gather(ddt=ddt, ddf=ddf, survey=survey, classes=classes), checked_bounds(bounds), min_pixels
    )


def cross_validate_rk(
    ddt: Map,
    ddf: Map,
    survey: Map,
    classes: Map | None = None,
    *,
    blocks: Map,
    n_folds: int = 5,
    seed: int = 0,
    bounds: tuple[float, float] = PLAUSIBLE_RK,
    min_pixels: int = 50,
) -> RkValidation:
    """Calibrate r_k to a survey, and predict each block of ground by what the others give.

    Parameters
    ----------
    ddt, ddf, survey, classes, bounds, min_pixels
        As of `calibrate_rk_to_survey`.
    blocks : xarray.DataArray or numpy.ndarray
        Of the same shape: integer label of the block of ground that a pixel lies in (`learning.spatial_blocks`). A
        block should be wider than the distance over which the errors of the map are alike.
    n_folds : int
        Folds that the blocks are shared out to.
    seed : int
        Of the folds and of the bootstrap.

    Returns
    -------
    RkValidation

    Raises
    ------
    InputError
        As `calibrate_rk_to_survey`, also for the pixels outside one fold; or if there are fewer blocks than folds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> ddt, ddf = rng.uniform(500, 2000, (2, 400))
    >>> survey = np.where(0.8 * ddt <= ddf, 1, 2)
    >>> result = cross_validate_rk(ddt, ddf, survey, blocks=np.arange(400) // 20)
    >>> bool(0.95 < result.confusion.kappa <= result.calibration.confusion.kappa)
    True
    """
    pixels = _Pixels.gather(ddt=ddt, ddf=ddf, survey=survey, classes=classes, blocks=blocks)
    bounds = checked_bounds(bounds)
    fits, predicted = [], np.empty_like(pixels.survey)
    for train, test in fold_splits(grouped_folds(pixels.blocks, n_folds, seed=seed)):
        fits.append(_calibrate(pixels.at(train), bounds, min_pixels))
        unseen = pixels.at(test)
        predicted[test] = unseen.predict(fits[-1].rk_of(unseen.classes))
    return RkValidation(
        _calibrate(pixels, bounds, min_pixels),
        tuple(fits),
        confusion(predicted, pixels.survey, classes=_STATES),
        kappa_interval(predicted, pixels.survey, blocks=pixels.blocks, seed=seed, classes=_STATES),
    )


@dataclass(frozen=True)
class _Pixels:
    """The pixels that have all data, 1-D."""

    ddt: Values
    ddf: Values
    survey: Values
    classes: Values
    blocks: Values

    @classmethod
    def gather(cls, **maps: Map | None) -> Self:
        columns = flattened({name: values for name, values in maps.items() if values is not None})
        surveyed = np.isin(columns["survey"], list(_STATES))
        valid = surveyed & (columns.get("classes", np.ones(1)) != 0)
        for column in columns.values():
            valid &= np.isfinite(column)
        if not valid.any():
            raise InputError(
                f"survey: none of its {surveyed.sum()} pixels with 1 (permafrost) or 2 (seasonally frozen ground) has "
                "degree-days, a class and a block. It looks like a survey map without overlap."
            )
        require_degree_days(columns["ddt"][valid], columns["ddf"][valid])
        whole = {
            name: columns.get(name, np.zeros(valid.size))[valid].astype(np.int64)
            for name in ("survey", "classes", "blocks")
        }
        return cls(columns["ddt"][valid], columns["ddf"][valid], **whole)

    @property
    def permafrost(self) -> Values:
        return np.equal(self.survey, 1)

    @property
    def ratio(self) -> Values:
        """Highest r_k at which a pixel is permafrost; without thaw it always is."""
        ratio: Values = np.divide(self.ddf, self.ddt, where=self.ddt > 0.0, out=np.full(self.ddt.shape, np.inf))
        return ratio

    def at(self, chosen: Values) -> Self:
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def predict(self, rk: Values) -> Values:
        return np.where(rk * self.ddt <= self.ddf, 1, 2)


def _calibrate(pixels: _Pixels, bounds: tuple[float, float], min_pixels: int) -> RkCalibration:
    n, n_permafrost = pixels.survey.size, int(pixels.permafrost.sum())
    if n_permafrost in (0, n):
        raise InputError(
            f"survey: all {n} pixels to calibrate rk with are {_STATES[int(pixels.survey[0])]}; kappa needs both "
            "states. Take a larger part of the survey, or smaller blocks in a cross-validation."
        )
    everywhere = _best_intervals([find_steps(pixels.ratio, pixels.permafrost, bounds)], n, n_permafrost)[0]
    rk = (everywhere[0] + everywhere[1]) / 2.0
    classes = _count_classes(pixels, min_pixels)
    # Within the interval of all pixels no pixel changes its state: pooled classes have no choice.
    steps = [_class_steps(pixels, code, everywhere if pooled else bounds) for code, pooled in classes["pooled"].items()]
    intervals = np.array(_best_intervals(steps, n, n_permafrost)).reshape(-1, 2)
    lower, upper = intervals.T
    of_class = np.where((lower < rk) & (rk <= upper), rk, (lower + upper) / 2.0)
    classes = classes.assign(rk=of_class, lower=lower, upper=upper)[list(_COLUMNS)]
    predicted = pixels.predict(rk_by_class(classes, pixels.classes, rk))
    return RkCalibration(rk, everywhere, classes, confusion(predicted, pixels.survey, classes=_STATES))


def _class_steps(pixels: _Pixels, code: Any, bounds: tuple[float, float]) -> Steps:
    chosen = pixels.classes == code
    return find_steps(pixels.ratio[chosen], pixels.permafrost[chosen], bounds)


def _best_intervals(steps: list[Steps], n: int, n_permafrost: int) -> list[tuple[float, float]]:
    chosen = maximise_kappa(steps, n, n_permafrost)
    return [(float(s.edges[i]), float(s.edges[i + 1])) for s, i in zip(steps, chosen, strict=True)]


def _count_classes(pixels: _Pixels, min_pixels: int) -> pd.DataFrame:
    """Pixels by class, without the class 0 of pixels that have none."""
    permafrost = pd.Series(pixels.permafrost).groupby(pixels.classes)
    frame = pd.DataFrame({"n": permafrost.size(), "n_permafrost": permafrost.sum()}).rename_axis("class")
    frame = frame.drop(index=0, errors="ignore")
    return frame.assign(pooled=frame["n"] < min_pixels)
