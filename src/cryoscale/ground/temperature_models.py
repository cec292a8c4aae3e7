"""Regressions of mean annual ground temperature on the ground, fitted to boreholes: alone, or with kriged residuals."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Transformer
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from cryoscale.errors import InputError
from cryoscale.ground.borehole_design import PREDICTORS, AspectTerms, Design, SparseClasses, check_boreholes
from cryoscale.ground.least_squares import combine, fit_linear, quadratic_form
from cryoscale.ground.temperature_maps import map_temperature
from cryoscale.stats.kriging import krige
from cryoscale.stats.variogram import Variogram, VariogramModel
from cryoscale.stats.variogram_fit import empirical_variogram, fit_variogram

Values = np.ndarray[Any, Any]


class MagtModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Multiple regression of mean annual ground temperature (MAGT) on six factors, fitted to boreholes.

    MAGT = b_0 + b_1 elevation + b_2 longitude + b_3 latitude + b_4 slope + aspect + vegetation + e, by ordinary least
    squares. Aspect enters by its sine and cosine (both 0 on flat ground), vegetation by one coefficient for each class
    but the one with most boreholes. A prediction's standard error is sqrt(s2 (1 + x' (X'X)^-1 x)): that of the errors
    and that of the coefficients (Draper and Smith 1998, Applied Regression Analysis, section 5.1). It knows nothing of
    places unlike those of all boreholes beyond what the line itself says.

    Parameters
    ----------
    predictors : sequence of str
        Out of ``elevation``, ``longitude``, ``latitude``, ``vegetation``, ``aspect`` and ``slope``; all by default.
    aspect_terms : AspectTerms
        How aspect enters.
    sparse_classes : SparseClasses
        What becomes of classes of vegetation with fewer than two boreholes.

    Attributes
    ----------
    fit_ : LinearFit
        Coefficients with errors and variance inflation (``fit_.table``), R2, leave-one-out errors, tests of the
        residuals, Cook's distances.
    design_ : Design
        The columns of the regression.
    boreholes_ : pandas.DataFrame
        What it was fitted to, indexed by the boreholes' names.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> holes = pd.DataFrame({"elevation": rng.uniform(3800, 4400, 20), "longitude": rng.uniform(99, 100, 20),
    ...                       "latitude": rng.uniform(38, 38.5, 20)})
    >>> holes["magt"] = 20.0 - 0.005 * holes.elevation + rng.normal(0, 0.1, 20)
    >>> model = MagtModel(predictors=["elevation"]).fit(holes)
    >>> model.fit_.table.loc["elevation", "coefficient"].round(4)
    np.float64(-0.005)
    """

    def __init__(
        self,
        *,
        predictors: Sequence[str] = PREDICTORS,
        aspect_terms: AspectTerms = AspectTerms.SINE_COSINE,
        sparse_classes: SparseClasses = SparseClasses.REFUSE,
    ) -> None:
        self.predictors = predictors
        self.aspect_terms = aspect_terms
        self.sparse_classes = sparse_classes

    def fit(self, boreholes: pd.DataFrame) -> Self:
        """Fit to boreholes.

        Parameters
        ----------
        boreholes : pandas.DataFrame
            One row a borehole: ``magt`` (degC), ``longitude`` and ``latitude`` (degree, WGS84), the other predictors:
            ``elevation`` (m), ``slope`` (degree), ``aspect`` (degree clockwise from north; empty where the slope is 0),
            ``vegetation`` (name of one word); ``borehole``, a name for messages, if there is one.

        Returns
        -------
        MagtModel
            Itself.

        Raises
        ------
        InputError
            If a predictor is missing for a borehole, a value cannot be, boreholes repeat a name or place, a class of
            vegetation has one borehole (unless pooled), all boreholes have one vegetation, there are fewer boreholes
            than coefficients + 3, or predictors are collinear.
        """
        table = check_boreholes(boreholes, predictors=self.predictors)
        design = Design.of(
            table,
            predictors=self.predictors,
            aspect_terms=self.aspect_terms,
            sparse_classes=self.sparse_classes,
        )
        if len(design.levels) == 1:
            raise InputError(
                f"boreholes: all have the vegetation {design.levels[0]}, which says nothing of others. Leave "
                "vegetation out of the predictors."
            )
        fewest = len(design.names) + 3
        if len(table) < fewest:
            raise InputError(
                f"boreholes: {len(table)} are too few for {len(design.names)} coefficients "
                f"({', '.join(design.names)}); give {fewest} or more, leave out predictors, or merge vegetation."
            )
        return self._fit_to(table, design)

    def refit(self, boreholes: pd.DataFrame) -> Self:
        """Fit a new model to some of the boreholes, for cross-validation.

        Parameters
        ----------
        boreholes : pandas.DataFrame
            Rows of `boreholes_`. Classes of vegetation keep their levels; those that none of the rows has are unknown
            to the new model.

        Returns
        -------
        MagtModel
            Another one, of the same parameters.

        Raises
        ------
        InputError
            If there are too few boreholes, or predictors are collinear among them.
        """
        check_is_fitted(self)
        model: Self = clone(self)._fit_to(boreholes, self.design_.restricted_to(boreholes))
        return model

    def _fit_to(self, table: pd.DataFrame, design: Design) -> Self:
        self.boreholes_, self.design_ = table, design
        matrix = np.column_stack(design.columns(design.rows_of(table)))
        self.fit_ = fit_linear(matrix, table["magt"].to_numpy(np.float64), names=design.names)
        return self

    @property
    def inflation_(self) -> pd.DataFrame:
        """Generalised variance inflation by predictor: see `LinearFit.inflation`."""
        check_is_fitted(self)
        return self.fit_.inflation(self.design_.terms)

    @property
    def influence_(self) -> pd.DataFrame:
        """By borehole, the most influential first.

        ``residual`` and ``left_out_residual`` (K, observed minus predicted), ``leverage``, ``cooks_distance``, and
        ``influential``: a distance above 4 / n, a customary mark for a closer look, no reason to leave a borehole out.
        """
        check_is_fitted(self)
        fit = self.fit_
        table = pd.DataFrame(
            {
                "residual": fit.residuals,
                "left_out_residual": fit.left_out_residuals,
                "leverage": fit.leverage,
                "cooks_distance": fit.cooks_distance,
                "influential": fit.cooks_distance > 4.0 / len(fit.observed),
            },
            index=self.boreholes_.index,
        )
        return table.sort_values("cooks_distance", ascending=False, kind="stable")

    def predict_table(self, places: pd.DataFrame) -> pd.DataFrame:
        """Ground temperature at the rows of a table.

        Parameters
        ----------
        places : pandas.DataFrame
            As for `fit`, without ``magt``.

        Returns
        -------
        pandas.DataFrame
            ``magt`` (degC) and ``magt_error`` (K), with the index of `places`; NaN where the vegetation has no
            boreholes.

        Raises
        ------
        InputError
            As `fit` of bad values.
        """
        check_is_fitted(self)
        table = check_boreholes(places, predictors=self.predictors, response=None)
        known = np.ones(len(table), bool)
        if "vegetation" in self.predictors:
            known = self.design_.levels_of(table["vegetation"].tolist()) >= 0
        magt, error = self.estimate(self.design_.rows_of(table))
        columns = {"magt": np.where(known, magt, np.nan), "magt_error": np.where(known, error, np.nan)}
        return pd.DataFrame(columns, index=places.index)

    def estimate(self, rows: Mapping[str, Values]) -> tuple[Values, Values]:
        """Ground temperature and its standard error for rows without missing values.

        Parameters
        ----------
        rows : mapping of str to numpy.ndarray
            (m,) of each predictor, of longitude and latitude: see `Design.columns`.

        Returns
        -------
        tuple of numpy.ndarray
            degC and K, (m,) each.
        """
        magt, leverage = self.fit_.predict(self.design_.columns(rows))
        return magt, np.sqrt(self.fit_.residual_variance * (1.0 + leverage))

    def predict(self, covariates: xr.Dataset) -> xr.Dataset:
        """Map of ground temperature.

        Parameters
        ----------
        covariates : xarray.Dataset
            (y, x) on a grid with a CRS: of the predictors' ``elevation`` (m), ``slope`` (degree), ``aspect`` (degree
            clockwise from north; where the slope is 0 it does not count) and ``vegetation_class`` (integer codes with
            ``flag_values`` and ``flag_meanings``, 0 no data). Longitude and latitude are those of the grid. Lazy or
            not.

        Returns
        -------
        xarray.Dataset
            ``magt`` (degC) and ``magt_error`` (K), float32, NaN where there is none; ``magt_status`` uint8, with the
            reason: covariates missing, or vegetation without boreholes. Lazy where a covariate is; the same to the bit
            however it is cut.

        Raises
        ------
        InputError
            If a covariate is absent, in another unit or on another grid, or the grid has no CRS; once it is computed,
            if vegetation has a code without a name, or aspect a value below 0 or above 360 on ground that is not flat.
        """
        check_is_fitted(self)
        return map_temperature(covariates, design=self.design_, estimate=self.estimate)


class MagtKrigedModel(MagtModel):
    """The regression plus its residuals, kriged between the boreholes (regression kriging).

    Residuals of the regression are interpolated by ordinary kriging (Odeh et al. 1995, Geoderma 67, 215). Fitted
    residuals vary less than errors do: their semivariances are raised by (n - 1) / (n - p), which is exact on average
    for errors that are not correlated. The error is sqrt(k + x' V x), with k the kriging variance and V the variance
    of the coefficients for errors with the covariance of that variogram; the two are taken as independent.

    Parameters
    ----------
    predictors, aspect_terms, sparse_classes
        As for `MagtModel`.
    variogram_model : VariogramModel
        Shape of the residuals' variogram.
    n_bins : int
        Bins of distance of the empirical variogram.
    neighbours : int
        Nearest boreholes that a place is kriged from (all where there are fewer).

    Attributes
    ----------
    variogram_ : Variogram
        Of the residuals, K2 and m.
    """

    def __init__(
        self,
        *,
        predictors: Sequence[str] = PREDICTORS,
        aspect_terms: AspectTerms = AspectTerms.SINE_COSINE,
        sparse_classes: SparseClasses = SparseClasses.REFUSE,
        variogram_model: VariogramModel = VariogramModel.EXPONENTIAL,
        n_bins: int = 10,
        neighbours: int = 24,
    ) -> None:
        super().__init__(predictors=predictors, aspect_terms=aspect_terms, sparse_classes=sparse_classes)
        self.variogram_model = variogram_model
        self.n_bins = n_bins
        self.neighbours = neighbours

    def _fit_to(self, table: pd.DataFrame, design: Design) -> Self:
        super()._fit_to(table, design)
        longitude, latitude = (table[name].to_numpy(np.float64) for name in ("longitude", "latitude"))
        self._plane = _plane_about(longitude, latitude)
        self._points = _in_plane(self._plane, longitude, latitude)
        empirical = empirical_variogram(self._points, self.fit_.residuals, n_bins=self.n_bins)
        fitted = fit_variogram(empirical, model=self.variogram_model)
        raised = (len(table) - 1) / self.fit_.degrees_of_freedom
        self.variogram_ = Variogram(
            fitted.model, nugget=raised * fitted.nugget, partial_sill=raised * fitted.partial_sill, range=fitted.range
        )
        apart = np.linalg.norm(self._points[:, np.newaxis] - self._points, axis=-1)
        q = self.fit_.orthonormal
        spread = q.T @ self.variogram_.covariance(apart) @ q
        self._trend_factor = self.fit_.whitener @ np.linalg.cholesky(spread)
        return self

    def estimate(self, rows: Mapping[str, Values]) -> tuple[Values, Values]:
        """Ground temperature and its standard error for rows without missing values.

        Parameters
        ----------
        rows : mapping of str to numpy.ndarray
            As for `MagtModel.estimate`.

        Returns
        -------
        tuple of numpy.ndarray
            degC and K, (m,) each.
        """
        columns = self.design_.columns(rows)
        kriged = krige(
            self._points,
            self.fit_.residuals,
            _in_plane(self._plane, rows["longitude"], rows["latitude"]),
            variogram=self.variogram_,
            neighbours=self.neighbours,
        )
        variance = kriged.variance + quadratic_form(columns, self._trend_factor)
        return combine(columns, self.fit_.coefficients) + kriged.estimate, np.sqrt(variance)


def _plane_about(longitude: Values, latitude: Values) -> str:
    """A plane whose distances are those on the ground, near the middle of places."""
    middle = f"+lon_0={longitude.mean():.9f} +lat_0={latitude.mean():.9f}"
    return f"+proj=aeqd {middle} +datum=WGS84 +units=m"


def _in_plane(plane: str, longitude: Values, latitude: Values) -> Values:
    to_plane = Transformer.from_crs("EPSG:4326", plane, always_xy=True)
    return np.stack(to_plane.transform(longitude, latitude), axis=1)
