"""Ordinary least squares with all that a careful reader asks of a multiple regression of few samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from cryoscale.errors import InputError

Values = np.ndarray[Any, Any]

_COLLINEAR = 1e-7
"""Smallest singular value, as a share of the largest, of standardised predictors that still count as independent."""


@dataclass(frozen=True, eq=False)
class LinearFit:
    """A linear model y = X b + e fitted by least squares, with its diagnostics.

    Attributes
    ----------
    names : tuple of str
        Of the columns of X; the first is the intercept.
    design : numpy.ndarray
        X, (n, p).
    observed : numpy.ndarray
        y, (n,).
    coefficients : numpy.ndarray
        b, (p,).
    whitener : numpy.ndarray
        W, (p, p) with (X'X)^-1 = W W': the leverage of a row x is the squared length of x W.
    """

    names: tuple[str, ...]
    design: Values
    observed: Values
    coefficients: Values
    whitener: Values

    @property
    def residuals(self) -> Values:
        """(n,) observed minus fitted."""
        return np.asarray(self.observed - self.design @ self.coefficients)

    @property
    def degrees_of_freedom(self) -> int:
        """Of the residuals: n - p."""
        return len(self.observed) - len(self.names)

    @property
    def residual_variance(self) -> float:
        """s2, sum of squared residuals / (n - p)."""
        return float(self.residuals @ self.residuals / self.degrees_of_freedom)

    @cached_property
    def orthonormal(self) -> Values:
        """Q = X W, (n, p), whose columns are an orthonormal basis of those of X."""
        return np.asarray(self.design @ self.whitener)

    @property
    def leverage(self) -> Values:
        """(n,) diagonal of the hat matrix: what a sample's own value weighs in its fitted one, from 0 to 1."""
        return np.asarray((self.orthonormal**2).sum(axis=1))

    @property
    def r2(self) -> float:
        """Share of the variance that the model explains."""
        anomaly = self.observed - self.observed.mean()
        return float(1.0 - self.residuals @ self.residuals / (anomaly @ anomaly))

    @property
    def adjusted_r2(self) -> float:
        """R2 with variances in place of sums of squares."""
        return 1.0 - (1.0 - self.r2) * (len(self.observed) - 1) / self.degrees_of_freedom

    @property
    def table(self) -> pd.DataFrame:
        """Coefficients by name: ``coefficient``, ``error``, ``t``, two-sided ``p`` and ``vif``.

        ``vif`` is the variance inflation factor (NaN of the intercept). Those of one factor's classes depend on which
        class is the reference; `inflation` does not.
        """
        error = np.sqrt(self.residual_variance * (self.whitener**2).sum(axis=1))
        t = self.coefficients / error
        p = 2.0 * stats.t.sf(np.abs(t), self.degrees_of_freedom)
        spread = ((self.design - self.design.mean(axis=0)) ** 2).sum(axis=0)
        vif = spread * (self.whitener**2).sum(axis=1)
        vif[0] = np.nan
        columns = {"coefficient": self.coefficients, "error": error, "t": t, "p": p, "vif": vif}
        return pd.DataFrame(columns, index=pd.Index(self.names, name="name"))

    def inflation(self, terms: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        """Generalised variance inflation of terms (Fox and Monette 1992, J. Am. Stat. Assoc. 87, 178).

        Parameters
        ----------
        terms : mapping of str to sequence of str
            Columns of each term; together all but the intercept.

        Returns
        -------
        pandas.DataFrame
            By term: ``columns``, their number d; ``gvif``; and ``vif``, gvif^(1/d), which compares with the variance
            inflation factor of a single column and is it where d = 1.
        """
        correlation = pd.DataFrame(np.corrcoef(self.design[:, 1:].T), self.names[1:], self.names[1:])
        whole = np.linalg.det(correlation)
        rows = {}
        for term, columns in terms.items():
            own, others = correlation.loc[[*columns], [*columns]], correlation.drop([*columns]).drop([*columns], axis=1)
            gvif = float(np.linalg.det(own) * np.linalg.det(others) / whole)
            rows[term] = {"columns": len(columns), "gvif": gvif, "vif": gvif ** (1.0 / len(columns))}
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def left_out_residuals(self) -> Values:
        """(n,) observed minus what the others predict: e / (1 - h), exact (Allen 1974, Technometrics 16, 125)."""
        return np.asarray(self.residuals / (1.0 - self.leverage))

    @property
    def left_out_rmse(self) -> float:
        """Leave-one-out error: root of PRESS / n."""
        return float(np.sqrt((self.left_out_residuals**2).mean()))

    @property
    def cooks_distance(self) -> Values:
        """(n,) how far all fitted values move without a sample (Cook 1977, Technometrics 19, 15)."""
        return np.asarray(self.left_out_residuals**2 * self.leverage / (len(self.names) * self.residual_variance))

    @property
    def normality_p(self) -> float:
        """Probability of residuals as far from normal if errors are normal (Shapiro and Wilk 1965)."""
        return float(stats.shapiro(self.residuals).pvalue)

    @property
    def constant_variance_p(self) -> float:
        """Probability of squared residuals as much tied to the predictors if the variance is constant.

        The test of Breusch and Pagan (1979) in the form of Koenker (1981, J. Econometrics 17, 107): n R2 of the
        regression of squared residuals on X, against chi2 of p - 1 degrees of freedom.
        """
        squares = self.residuals**2
        anomaly = squares - squares.mean()
        explained = self.orthonormal @ (self.orthonormal.T @ squares) - squares.mean()
        score = len(squares) * (explained @ explained) / (anomaly @ anomaly)
        return float(stats.chi2.sf(score, len(self.names) - 1))

    def predict(self, columns: Sequence[Values]) -> tuple[Values, Values]:
        """Fitted values and leverages of other rows, one by one: a row's do not depend on its neighbours' in a block.

        Parameters
        ----------
        columns : sequence of numpy.ndarray
            The p columns of the rows, each (m,).

        Returns
        -------
        tuple of numpy.ndarray
            x b and x (X'X)^-1 x', (m,) each.
        """
        return combine(columns, self.coefficients), quadratic_form(columns, self.whitener)


def combine(columns: Sequence[Values], weights: Values) -> Values:
    """Weighted sum of columns, added in order: matrix products round a row by where it lies in its block.

    Parameters
    ----------
    columns : sequence of numpy.ndarray
        (m,) each.
    weights : numpy.ndarray
        One a column.

    Returns
    -------
    numpy.ndarray
        (m,).
    """
    total = np.zeros_like(columns[0])
    for column, weight in zip(columns, weights.tolist(), strict=True):
        total += weight * column
    return total


def quadratic_form(columns: Sequence[Values], factor: Values) -> Values:
    """X F F' x' of every row x.

    Parameters
    ----------
    columns : sequence of numpy.ndarray
        The p columns of the rows, (m,) each.
    factor : numpy.ndarray
        F, (p, p).

    Returns
    -------
    numpy.ndarray
        (m,).
    """
    total = np.zeros_like(columns[0])
    for weights in factor.T:
        total += combine(columns, weights) ** 2
    return total


def fit_linear(design: Values, observed: Values, *, names: Sequence[str]) -> LinearFit:
    """Fit by QR of the standardised predictors.

    Parameters
    ----------
    design : numpy.ndarray
        (n, p), the first column ones, all finite.
    observed : numpy.ndarray
        (n,), finite.
    names : sequence of str
        Of the columns.

    Returns
    -------
    LinearFit

    Raises
    ------
    InputError
        If there are no more samples than columns, or predictors are constant or collinear.

    Examples
    --------
    >>> x = np.arange(6.0)
    >>> fit = fit_linear(np.column_stack([np.ones(6), x]), 1.0 + 2.0 * x + [0, 1, -1, -1, 1, 0], names=["1", "x"])
    >>> fit.table.round(3)
          coefficient  error      t      p  vif
    name
    1             1.0  0.724  1.382  0.239  NaN
    x             2.0  0.239  8.367  0.001  1.0
    """
    n, p = design.shape
    if n <= p:
        raise InputError(f"boreholes: {n} are too few for the {p} coefficients {list(names)}. Leave out predictors.")
    centre, spread = design[:, 1:].mean(axis=0), design[:, 1:].std(axis=0)
    constant = spread <= 1e-12 * np.maximum(np.abs(centre), 1.0)
    if constant.any():
        which = ", ".join(name for name, same in zip(names[1:], constant, strict=True) if same)
        raise InputError(f"boreholes: {which} is the same at all of them and cannot be told from the intercept.")
    standard = np.column_stack([np.ones(n), (design[:, 1:] - centre) / spread])
    _refuse_collinear(standard, names)
    q, r = np.linalg.qr(standard)
    # Rows of `design` times this are those of `standard`.
    scaling = np.diag(np.concatenate([[1.0], 1.0 / spread]))
    scaling[0, 1:] = -centre / spread
    whitener = scaling @ np.linalg.inv(r)
    return LinearFit(tuple(names), design, observed, whitener @ (q.T @ observed), whitener)


def _refuse_collinear(standard: Values, names: Sequence[str]) -> None:
    _, singular, directions = np.linalg.svd(standard)
    if singular[-1] > _COLLINEAR * singular[0]:
        return
    weights = np.abs(directions[-1])
    tied = [name for name, weight in zip(names, weights, strict=True) if weight > 1e-3 * weights.max()]
    raise InputError(
        f"boreholes: {', '.join(tied)} are collinear: one follows from the others, so that none has a coefficient of "
        "its own. Leave one of them out of the predictors, or merge classes."
    )
