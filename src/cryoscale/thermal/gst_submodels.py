"""The sub-models of ground surface temperature, one for each set of overpasses: their tables, and which one counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.thermal._ground_temperature import Predictor

SCORES: Mapping[str, tuple[str, str]] = {
    "n_samples": ("1", "station-days that the sub-model is fitted to"),
    "n_stations": ("1", "stations that the sub-model is fitted to"),
    "alpha": ("1", "penalty of the ridge regression, chosen in random folds"),
    "alpha_by_station": ("1", "penalty that leaving stations out would choose"),
    "rmse_random": ("K", "root mean square error in random folds"),
    "r2_random": ("1", "coefficient of determination in random folds"),
    "bias_random": ("K", "mean error in random folds"),
    "rmse_by_station": ("K", "root mean square error at stations left out"),
    "r2_by_station": ("1", "coefficient of determination at stations left out"),
    "bias_by_station": ("K", "mean error at stations left out"),
    "station_bias_sd": ("K", "standard deviation of the persistent error of a station left out"),
    "daily_error": ("K", "standard deviation of the daily error about the persistent one"),
    "error_correlation": ("1", "correlation of the daily error from one day to the next"),
}


@dataclass(frozen=True)
class SubModels:
    """Coefficients and scores of all sub-models.

    Attributes
    ----------
    intercept : pandas.Series
        degC, by sub-model.
    coefficients : pandas.DataFrame
        By sub-model and overpass, K per K; NaN where the sub-model does not use the overpass.
    scores : pandas.DataFrame
        By sub-model; the columns are those of `SCORES`.
    """

    intercept: "pd.Series[float]"
    coefficients: pd.DataFrame
    scores: pd.DataFrame

    @property
    def overpasses(self) -> tuple[str, ...]:
        """All overpasses, in the order of the coefficients."""
        return tuple(str(name) for name in self.coefficients.columns)

    def select(self, present: Sequence[str]) -> str | None:
        """Name of the sub-model for the overpasses that are present.

        Parameters
        ----------
        present : sequence of str
            Overpasses with a value.

        Returns
        -------
        str or None
            Of those that need no other, the one with most overpasses; among equals the one with the smallest error at
            stations left out, or in random folds where that is not known. None where there is none.
        """
        uses = self.coefficients.notna()
        absent = [name for name in self.overpasses if name not in present]
        error = self.scores["rmse_by_station"].fillna(self.scores["rmse_random"])
        rank = pd.DataFrame({"fewest": -uses.sum(axis=1), "error": error})[~uses[absent].any(axis=1)]
        return None if rank.empty else str(rank.sort_values(["fewest", "error"], kind="stable").index[0])

    def predictor(self, overpasses: Sequence[str]) -> Predictor:
        """What predicts from these overpasses, each of which may be missing at a pixel.

        Parameters
        ----------
        overpasses : sequence of str
            In the order of the data.

        Returns
        -------
        Predictor
            A kernel's callable on arrays.
        """
        n_sets = 2 ** len(overpasses)
        intercepts, errors = np.full((2, n_sets), np.nan)
        coefficients = np.zeros((n_sets, len(overpasses)))
        for row in range(n_sets):
            name = self.select([overpass for j, overpass in enumerate(overpasses) if row >> j & 1])
            if name is not None:
                intercepts[row] = self.intercept[name]
                errors[row] = self.scores["daily_error"][name]
                coefficients[row] = self.coefficients.loc[name, list(overpasses)].fillna(0.0)
        return Predictor(intercepts, coefficients, errors**2)

    def to_dataset(self) -> xr.Dataset:
        """All tables in one Dataset.

        Returns
        -------
        xarray.Dataset
            ``coefficient`` (submodel, overpass), ``intercept`` and the scores (submodel).
        """
        describe = {"units": "1", "long_name": "change of ground surface temperature with surface temperature"}
        variables: dict[str, Any] = {
            "coefficient": (("submodel", "overpass"), self.coefficients.to_numpy(float), describe),
            "intercept": ("submodel", self.intercept.to_numpy(float), {"units": "degC", "long_name": "intercept"}),
        }
        for name, (units, long_name) in SCORES.items():
            attrs = {"units": units, "long_name": long_name}
            variables[name] = ("submodel", self.scores[name].to_numpy(), attrs)
        # Strings as objects: Zarr has no settled type for those of fixed length.
        names, overpasses = (labels.to_numpy(object) for labels in (self.coefficients.index, self.coefficients.columns))
        return xr.Dataset(variables, {"submodel": names, "overpass": overpasses})

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Self:
        """Tables from what `to_dataset` gave.

        Parameters
        ----------
        dataset : xarray.Dataset
            See `to_dataset`.

        Returns
        -------
        SubModels
            Equal to the one that was saved.

        Raises
        ------
        InputError
            If variables are missing.
        """
        missing = [
            name for name in ("submodel", "overpass", "coefficient", "intercept", *SCORES) if name not in dataset
        ]
        if missing:
            raise InputError(f"ground temperature model: lacks {missing}. It must be what to_dataset() gave.")
        index, columns = ([str(label) for label in dataset[dim].to_numpy()] for dim in ("submodel", "overpass"))
        coefficients = dataset["coefficient"].transpose("submodel", "overpass").to_numpy()
        return cls(
            pd.Series(dataset["intercept"].to_numpy(), index=index),
            pd.DataFrame(coefficients, index=index, columns=columns),
            pd.DataFrame({name: dataset[name].to_numpy() for name in SCORES}, index=index),
        )
