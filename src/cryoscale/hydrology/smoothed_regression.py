"""Regression on series that a moving window has smoothed: generalised least squares with the window's correlation."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from statsmodels.regression.linear_model import GLS

from cryoscale.hydrology._noise import Mixture, smoothed_covariance

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MEMORIES: tuple[float, ...] = tuple(round(0.05 * step, 2) for step in range(20))
"""Correlations of the noise of one year with that of the next that are tried; the first is none."""


class AnnualNoise(StrEnum):
    """What the noise of single years, before smoothing, is taken for."""

    INDEPENDENT = "independent"
    AUTOREGRESSIVE = "autoregressive"


@dataclass(frozen=True)
class SmoothedYears:
    """Yearly values of a smoothed series and of what it is regressed on; what is missing is NaN.

    Attributes
    ----------
    years : numpy.ndarray
        (year,) int, of the centres of the windows.
    observed : numpy.ndarray
        (year,).
    design : numpy.ndarray
        (year, coefficient): ones and the smoothed predictors.
    window : int
        Years of a window.
    """

    years: npt.NDArray[np.int64]
    observed: Values
    design: Values
    window: int


@dataclass(frozen=True)
class Case:
    """A regression under the assumption that the noise has a certain memory.

    Attributes
    ----------
    estimate, error : numpy.ndarray
        (coefficient,), with standard errors.
    weights : numpy.ndarray
        (coefficient, year): the coefficients are these times what is observed; 0 in years that are not fitted to.
    predicted : numpy.ndarray
        (year,).
    covariance : numpy.ndarray
        (year, year), of the noise.
    freedom : float
        Degrees of freedom.
    p_value : float
        Of no influence of any predictor.
    log_likelihood : float
        Restricted likelihood of the memory: that of the data without what the coefficients take up.
    """

    estimate: Values
    error: Values
    weights: Values
    predicted: Values
    covariance: Values
    freedom: float
    p_value: float
    log_likelihood: float


def fit(rows: SmoothedYears, fitted: Mask, *, memory: float) -> Case:
    """Fit the regression to some of the years.

    Parameters
    ----------
    rows : SmoothedYears
        All years.
    fitted : numpy.ndarray
        (year,) bool: complete years that are fitted to.
    memory : float
        Correlation of the noise of one year with that of the next, 0 to below 1.

    Returns
    -------
    Case
    """
    covariance = smoothed_covariance(rows.years, window=rows.window, memory=memory)
    model = GLS(rows.observed[fitted], rows.design[fitted], sigma=covariance[np.ix_(fitted, fitted)])
    result = model.fit()
    weights = np.zeros((rows.design.shape[1], rows.years.size))
    weights[:, fitted] = model.pinv_wexog @ model.cholsigmainv
    log_likelihood = (
        np.log(np.diag(model.cholsigmainv)).sum()
        + np.linalg.slogdet(result.normalized_cov_params)[1] / 2
        - result.df_resid / 2 * np.log(max(result.ssr, np.finfo(float).tiny))
    )
    return Case(
        estimate=result.params,
        error=result.bse,
        weights=weights,
        predicted=rows.design @ result.params,
        covariance=covariance * result.scale,
        freedom=float(result.df_resid),
        p_value=float(result.f_pvalue),
        log_likelihood=float(log_likelihood),
    )


@dataclass(frozen=True)
class Ensemble:
    """Regressions under several assumptions on the memory of the noise, and how much each counts.

    Attributes
    ----------
    cases : sequence of Case
        One for each assumption.
    weights : numpy.ndarray
        (case,), adding up to 1.
    """

    cases: Sequence[Case]
    weights: Values

    @property
    def predicted(self) -> Values:
        """(year,)."""
        return np.asarray(self.weights @ [case.predicted for case in self.cases])

    @property
    def coefficients(self) -> Mixture:
        """Distribution of the coefficients."""
        return self._mix([case.estimate for case in self.cases], [case.error for case in self.cases])

    def differences(self, rows: SmoothedYears, sums: Values) -> Mixture:
        """Distribution of weighted sums of observed minus predicted.

        Parameters
        ----------
        rows : SmoothedYears
            The years that were fitted to, and all others.
        sums : numpy.ndarray
            (sum, year), weights; a sum that weighs an incomplete year has no meaning.

        Returns
        -------
        Mixture
        """
        design, observed = np.nan_to_num(rows.design), np.nan_to_num(rows.observed)
        lefts = [sums - sums @ design @ case.weights for case in self.cases]
        together = zip(lefts, self.cases, strict=True)
        errors = [np.sqrt(np.einsum("iy,yz,iz->i", left, case.covariance, left)) for left, case in together]
        return self._mix([left @ observed for left in lefts], errors)

    def _mix(self, centres: Sequence[Values], scales: Sequence[Values]) -> Mixture:
        return Mixture(np.array(centres), np.array(scales), self.weights, self.cases[0].freedom)


def fit_all(rows: SmoothedYears, fitted: Mask, *, noise: AnnualNoise) -> Ensemble:
    """Fit the regression under every assumption that a kind of noise leaves open.

    Parameters
    ----------
    rows : SmoothedYears
        All years.
    fitted : numpy.ndarray
        (year,) bool: complete years that are fitted to.
    noise : AnnualNoise
        Without memory, or with one of 0 to 0.95, by its restricted likelihood and a flat prior.

    Returns
    -------
    Ensemble
    """
    memories = MEMORIES if noise is AnnualNoise.AUTOREGRESSIVE else MEMORIES[:1]
    cases = [fit(rows, fitted, memory=memory) for memory in memories]
    logarithms = np.array([case.log_likelihood for case in cases])
    relative = np.exp(logarithms - logarithms.max())
    return Ensemble(cases, relative / relative.sum())
