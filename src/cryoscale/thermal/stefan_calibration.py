"""Stefan's factor E by class of vegetation or soil, from measured thickness of the active layer; how well it does."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike
from scipy import stats

from cryoscale.errors import InputError
from cryoscale.lift import lift
from cryoscale.thermal._stefan_fit import Fit, huber, least_squares, standard_error
from cryoscale.variables import check_units

Values = np.ndarray[Any, Any]

_BATCH = 250  # draws of a bootstrap in memory at a time
_FEWEST_DRAWS = 100
_DEEPEST = 10.0  # m: a median beyond it is in cm


class StefanFit(StrEnum):
    """How E is fitted: to all samples alike, or with less weight to those far from the line."""

    LEAST_SQUARES = "least-squares"
    ROBUST = "robust"


_FITS: dict[StefanFit, Fit] = {StefanFit.LEAST_SQUARES: least_squares, StefanFit.ROBUST: huber}


@dataclass(frozen=True)
class StefanEstimate:
    """E of one group of samples.

    Attributes
    ----------
    n : int
        Samples.
    e_factor : float
        E, m degC-0.5 d-0.5.
    e_error : float
        Its standard error, m degC-0.5 d-0.5.
    lower, upper : float
        Bootstrap interval of E, m degC-0.5 d-0.5.
    loo_rmse, loo_bias : float
        Of the thickness predicted for each sample by the E of the others, predicted minus measured, m.
    """

    n: int
    e_factor: float
    e_error: float
    lower: float
    upper: float
    loo_rmse: float
    loo_bias: float


@dataclass(frozen=True)
class StefanCalibration:
    """E of all samples and of each class.

    Attributes
    ----------
    everywhere : StefanEstimate
        Of all samples together.
    table : pandas.DataFrame
        By class (index): the columns of `StefanEstimate`, and ``pooled``, True where the class has too few samples and
        takes the E of all, with its error and interval. ``n``, ``loo_rmse`` and ``loo_bias`` are those of the samples
        of the class, also then. Empty where no classes were given.
    samples : pandas.DataFrame
        The samples used, by their position in the input (index): ``active_layer_thickness``, m; ``ddt``, degC d;
        ``class``, 0 where none were given; ``predicted``, the thickness by the E, of the class or pooled, of the other
        samples, m.
    n_dropped : int
        Samples left out because the thickness or degree-days are not finite, or the class is NaN or 0.
    """

    everywhere: StefanEstimate
    table: pd.DataFrame
    samples: pd.DataFrame
    n_dropped: int

    @property
    def loo_rmse(self) -> float:
        """Root mean square of predicted minus measured thickness, each by the E that its pixel would have, m."""
        return _rmse(self._errors())

    @property
    def loo_bias(self) -> float:
        """Mean of predicted minus measured thickness, each by the E that its pixel would have, m."""
        return float(self._errors().mean())

    def e_factor_map(self, classes: xr.DataArray) -> xr.Dataset:
        """E of every pixel by its class.

        Parameters
        ----------
        classes : xarray.DataArray
            Class codes of any dims, in memory or lazy; 0 and NaN are no data.

        Returns
        -------
        xarray.Dataset
            ``stefan_e_factor`` and ``stefan_e_factor_error``, m degC-0.5 d-0.5, of the dims of `classes`; those of all
            samples for a class that has none, NaN without a class. Lazy where `classes` is.
        """
        columns = self.table[["e_factor", "e_error"]].to_numpy(np.float64)
        rest = [self.everywhere.e_factor, self.everywhere.e_error]
        kernel = partial(
            _look_up, codes=self.table.index.to_numpy(np.float64), values=np.vstack([columns, rest]).T.astype("float32")
        )
        outputs: dict[str, tuple[str, ...]] = {"stefan_e_factor": (), "stefan_e_factor_error": ()}
        return lift(kernel, classes, core_dims=[()], outputs=outputs)

    def _errors(self) -> Values:
        return (self.samples["predicted"] - self.samples["active_layer_thickness"]).to_numpy(np.float64)


def calibrate_stefan(
    alt: ArrayLike,
    ddt: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    fit: StefanFit = StefanFit.LEAST_SQUARES,
    min_samples: int = 5,
    n_bootstrap: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> StefanCalibration:
    r"""Fit Stefan's factor to measured thickness of the active layer, by a line through the origin.

    .. math:: \mathrm{ALT} = E \sqrt{\mathrm{DDT}}, \qquad
              E = \frac{\sum \mathrm{ALT} \sqrt{\mathrm{DDT}}}{\sum \mathrm{DDT}}

    by least squares (Nelson et al. 1997, Arct. Alp. Res. 29, 367). The robust fit gives the samples far from the line
    the weights of Huber (1964, Ann. Math. Stat. 35, 73) with k = 1.345 standard deviations, taken from the median
    absolute residual about the line of least absolute deviations. Standard errors are those of M-estimators (Huber
    1981, Robust Statistics, Section 7.6), which for least squares are the usual ones.

    Intervals are percentiles of a bootstrap of samples, widened for few samples (Hesterberg 2015, Am. Stat. 69, 371):
    with normal noise those of 95 % hold the true E in 92, 94 and 95 % of surveys of 5, 12 and 40 samples, where plain
    percentiles do in 83, 91 and 94 %.

    Samples count as independent. Years of one site are not: give each site once, such as the mean over its years,
    or intervals become too narrow and cross-validation too kind. The error of a pooled class does not hold how far
    the class lies from all others.

    Parameters
    ----------
    alt : array_like
        Measured thickness, m, 1-D; NaN is missing.
    ddt : array_like
        Thawing degree-days of the same year or years, degC d, of the ground surface or of the air, 1-D; NaN is missing.
    classes : array_like, optional
        Integer class of vegetation or soil, 1-D; 0 and NaN are no data.
    fit : StefanFit
        How E is fitted.
    min_samples : int
        A class with fewer samples takes the E of all; fewer in all are refused. At least 2.
    n_bootstrap : int
        Draws of the bootstrap, at least 100.
    confidence : float
        Probability that the interval holds E, between 0 and 1.
    seed : int
        Of the bootstrap: the same seed, the same interval.

    Returns
    -------
    StefanCalibration

    Raises
    ------
    InputError
        If shapes or units differ, thickness is in centimetres or negative, degree-days are not positive, classes are no
        integers or as many as sites, there are too few samples, or an option is out of range.

    Examples
    --------
    >>> ddt = np.array([400.0, 625.0, 900.0, 400.0, 625.0, 900.0])
    >>> calibration = calibrate_stefan([1.0, 1.25, 1.5, 2.0, 2.5, 3.0], ddt, classes=[1, 1, 1, 2, 2, 2], min_samples=3)
    >>> calibration.table.e_factor.round(6).to_dict(), calibration.everywhere.n
    ({1: 0.05, 2: 0.1}, 6)
    """
    _require_options(min_samples=min_samples, n_bootstrap=n_bootstrap, confidence=confidence)
    samples, n_dropped = _gather(alt, ddt, classes, min_samples)
    estimate = partial(_estimate, fit=_FITS[fit], n_draws=n_bootstrap, confidence=confidence, seed=seed)
    everywhere, samples["predicted"] = estimate(samples)
    rows: dict[int, dict[str, Any]] = {}
    for code in np.unique(samples["class"]).tolist() if classes is not None else ():
        group = samples[samples["class"] == code]
        pooled = len(group) < min_samples
        if pooled:
            own = everywhere
        else:
            own, samples.loc[group.index, "predicted"] = estimate(group)
        scores = _scores(samples.loc[group.index])
        rows[code] = asdict(own) | scores | {"n": len(group), "pooled": pooled}
    columns = [*asdict(everywhere), "pooled"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("class")
    return StefanCalibration(everywhere, table, samples, n_dropped)


def _require_options(*, min_samples: int, n_bootstrap: int, confidence: float) -> None:
    if min_samples < 2:
        raise InputError(f"min_samples: must be at least 2, not {min_samples}: one sample tells nothing of the error.")
    if n_bootstrap < _FEWEST_DRAWS:
        raise InputError(f"n_bootstrap: must be at least {_FEWEST_DRAWS}, not {n_bootstrap}. Give 2000.")
    if not 0 < confidence < 1:
        raise InputError(f"confidence: must lie between 0 and 1, not {confidence}. Give 0.95 for 95 %.")


def _gather(alt: ArrayLike, ddt: ArrayLike, classes: ArrayLike | None, least: int) -> tuple[pd.DataFrame, int]:
    """The samples that have all data, checked, and how many have not."""
    given = {"active_layer_thickness": alt, "ddt": ddt} | ({} if classes is None else {"class": classes})
    columns = {name: _column(values, name) for name, values in given.items()}
    lengths = {name: column.size for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"calibration of E: all inputs need one length, not {lengths}. Give one value for each site.")
    valid = np.logical_and.reduce([np.isfinite(column) for column in columns.values()])
    if classes is not None:
        valid &= columns["class"] != 0
    samples = pd.DataFrame(columns).loc[valid]
    n_dropped = len(valid) - len(samples)
    if len(samples) < least:
        raise InputError(
            f"calibration of E: {len(samples)} samples have all data ({n_dropped} have not), but {least} are needed. "
            "Give more sites, or a lower min_samples."
        )
    _require_depths(samples["active_layer_thickness"])
    _require_thaw(samples["ddt"])
    return samples.assign(**{"class": 0 if classes is None else _whole(samples["class"])}), n_dropped


def _column(values: Any, name: str) -> Values:
    if isinstance(values, xr.DataArray):
        values = (check_units(values, name) if name != "class" else values).to_numpy()
    try:
        return pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: must be one column of numbers ({error}).") from None


def _require_depths(thickness: pd.Series) -> None:
    if thickness.median() > _DEEPEST:
        raise InputError(
            f"active_layer_thickness: has a median of {thickness.median():.4g}, but is expected in m. "
            "It looks like cm: divide it by 100."
        )
    if (thickness < 0).any():
        raise InputError(
            f"active_layer_thickness: holds {thickness.min():.4g} m, but depths are positive. "
            "Set codes of no data to NaN."
        )


def _require_thaw(ddt: pd.Series) -> None:
    if (ddt <= 0).any():
        raise InputError(
            f"ddt: holds {ddt.min():.4g} degC d at position {ddt.idxmin()}, but a site that thaws has more than 0. "
            "Set codes of no data to NaN, and leave out sites without thaw."
        )


def _whole(classes: pd.Series) -> pd.Series:
    codes = classes.astype(np.int64)
    if (codes != classes).any():
        raise InputError(f"class: holds {classes[codes != classes].iloc[0]:g}, but codes are whole numbers.")
    if 1 < codes.nunique() == len(codes):
        raise InputError(
            f"class: there are {len(codes)} classes for {len(codes)} samples, one for each. "
            "Merge classes, or give none."
        )
    return codes


def _estimate(
    samples: pd.DataFrame, *, fit: Fit, n_draws: int, confidence: float, seed: int
) -> tuple[StefanEstimate, Values]:
    """E of these samples, and the thickness of each by the E of the others."""
    x = np.sqrt(samples["ddt"].to_numpy(np.float64))
    y = samples["active_layer_thickness"].to_numpy(np.float64)
    others = [np.delete(np.arange(x.size), i) for i in range(x.size)]
    predicted = x * np.array([fit(x[i], y[i])[0] for i in others])
    e, clip = (float(value) for value in fit(x, y))
    tail = _tail(x.size, confidence)
    lower, upper = np.quantile(_bootstrap(x, y, fit, n_draws=n_draws, seed=seed), [tail, 1.0 - tail]).tolist()
    scores = _scores(samples.assign(predicted=predicted))
    return StefanEstimate(x.size, e, standard_error(x, y - e * x, clip), lower, upper, **scores), predicted


def _bootstrap(x: Values, y: Values, fit: Fit, *, n_draws: int, seed: int) -> Values:
    """E of samples drawn with replacement."""
    rng = np.random.default_rng(seed)
    batches = [min(_BATCH, n_draws - start) for start in range(0, n_draws, _BATCH)]
    draws = (rng.integers(x.size, size=(n, x.size)) for n in batches)
    return np.concatenate([fit(x[i], y[i])[0] for i in draws])


def _tail(n: int, confidence: float) -> float:
    """Share of draws beyond either end, so that the interval of a mean of n normal values is as wide as Student's."""
    return float(stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf((1.0 - confidence) / 2.0, n - 1)))


def _scores(samples: pd.DataFrame) -> dict[str, float]:
    error = (samples["predicted"] - samples["active_layer_thickness"]).to_numpy(np.float64)
    return {"loo_rmse": _rmse(error), "loo_bias": float(error.mean())}


def _rmse(error: Values) -> float:
    return float(np.sqrt((error**2).mean()))


def _look_up(classes: Values, *, codes: Values, values: Values) -> tuple[Values, ...]:
    """Rows of `values` at the position of each class in `codes`, their last column for others, NaN without a class."""
    known = ~np.isnan(classes) & (classes != 0)
    position = np.searchsorted(codes, classes)
    matches = np.append(codes, np.nan)[position] == classes
    position = np.where(matches, position, codes.size)
    return tuple(np.where(known, row[position], np.float32(np.nan)) for row in values)
