"""What an attribution starts from: years with their periods and smoothed predictors, and whether they suffice."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from cryoscale.errors import InputError
from cryoscale.hydrology.smoothed_regression import Mask, SmoothedYears, Values

BEFORE, TRANSITION, AFTER = "before", "transition", "after"

_CONDITION = 1e-8  # smallest singular value per largest of standardised predictors that are still apart
_SHARE = 1e-3  # of a predictor in a combination that is constant


def years_table(ks: pd.Series, climate: pd.DataFrame, *, disturbance: int, window: int) -> pd.DataFrame:
    """Bring a recession constant and its predictors together, the predictors smoothed by its window.

    Parameters
    ----------
    ks : pandas.Series
        By year (int) at the centre of the window.
    climate : pandas.DataFrame
        One column a predictor, by year (int), not smoothed.
    disturbance : int
        First year of the disturbance.
    window : int
        Years, odd.

    Returns
    -------
    pandas.DataFrame
        By ``year`` that has a recession constant or a predictor: the predictors, ``observed``, ``reason`` (what is
        missing; empty if nothing) and ``period``.

    Raises
    ------
    InputError
        If an index or a column is not what it must be.
    """
    _check_index(ks.index, "ks")
    _check_index(climate.index, "climate")
    if not len(climate.columns) or climate.columns.has_duplicates:
        raise InputError(f"climate: needs predictors of different names, not {list(climate.columns)}.")
    years = pd.RangeIndex(climate.index.min(), climate.index.max() + 1)
    smooth = _numbers(climate, "climate").reindex(years).rolling(window, center=True, min_periods=window).mean()
    table = smooth.reindex(ks.index.union(smooth.dropna(how="all").index)).rename_axis("year")
    without = [", ".join(map(str, table.columns[row])) for row in table.isna().to_numpy()]
    observed = _numbers(ks.to_frame("observed"), "ks")["observed"].reindex(table.index)
    half = window // 2
    whole = [table.index + half < disturbance, table.index - half >= disturbance]
    return table.assign(
        observed=observed,
        reason=[_reason(names, no_ks) for names, no_ks in zip(without, observed.isna(), strict=True)],
        period=np.select(whole, [BEFORE, AFTER], TRANSITION),
    )


def _reason(missing_predictors: str, no_ks: bool) -> str:
    found = [f"not all years of the window have {missing_predictors}"] if missing_predictors else []
    return "; ".join(found + ["no recession constant"] * no_ks)


def _numbers(table: pd.DataFrame, name: str) -> pd.DataFrame:
    try:
        return table.astype(float).replace([np.inf, -np.inf], np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: holds what is no number ({error}).") from None


def _check_index(index: pd.Index, name: str) -> None:
    if not pd.api.types.is_integer_dtype(index):
        raise InputError(f"{name}: its index must hold years such as 1990 (int), not {index.dtype}.")
    if index.empty or index.has_duplicates:
        twice = ", ".join(str(year) for year in index[index.duplicated()].unique())
        raise InputError(f"{name}: {f'has {twice} more than once' if twice else 'is empty'}. Give one value a year.")


def check_years(rows: SmoothedYears, fitted: Mask, after: Mask, *, disturbance: int) -> None:
    """Refuse a disturbance with too few complete years before it, or none after it.

    Parameters
    ----------
    rows : SmoothedYears
        All years.
    fitted, after : numpy.ndarray
        (year,) bool: complete years before and after the disturbance.
    disturbance : int
        First year of the disturbance.

    Raises
    ------
    InputError
        If there are fewer years than predictors + 2 before it, or none after it.
    """
    n, needed = int(fitted.sum()), rows.design.shape[1] + 1
    if n < needed:
        raise InputError(
            f"disturbance {disturbance}: {n} windows of {rows.window} years before it have a recession constant and "
            f"all predictors; {needed - 2} predictors need {needed}. Give more years or fewer predictors."
        )
    if not after.any():
        raise InputError(
            f"disturbance {disturbance}: no window of {rows.window} years after it has a recession constant and all "
            f"predictors (years {rows.years.min()} to {rows.years.max()}). Give an earlier year or a longer series."
        )


def check_predictors(predictors: Values, names: Sequence[str]) -> None:
    """Refuse predictors whose coefficients have no unique answer.

    Parameters
    ----------
    predictors : numpy.ndarray
        (year, predictor), of the years that are fitted to.
    names : sequence of str
        Of the predictors.

    Raises
    ------
    InputError
        If a predictor is constant, or a combination of others.
    """
    constant = [name for name, same in zip(names, _constant(predictors), strict=True) if same]
    if constant:
        raise InputError(f"climate: {', '.join(constant)} does not change before the disturbance. Leave it out.")
    _, singular, directions = np.linalg.svd(_standardised(predictors))
    if singular[-1] <= _CONDITION * singular[0]:
        together = [name for name, share in zip(names, directions[-1], strict=True) if abs(share) > _SHARE]
        raise InputError(f"climate: {', '.join(together)} are combinations of each other. Leave one of them out.")


def are_apart(predictors: Values) -> bool:
    """Whether coefficients of predictors have a unique answer.

    Parameters
    ----------
    predictors : numpy.ndarray
        (year, predictor), more years than predictors.

    Returns
    -------
    bool
    """
    if _constant(predictors).any():
        return False
    singular = np.linalg.svd(_standardised(predictors), compute_uv=False)
    return bool(singular[-1] > _CONDITION * singular[0])


def _standardised(predictors: Values) -> Values:
    return np.asarray((predictors - predictors.mean(axis=0)) / predictors.std(axis=0))


def _constant(predictors: Values) -> npt.NDArray[np.bool_]:
    # smoothing by running sums leaves differences in the last digits
    return np.asarray(np.ptp(predictors, axis=0) <= 1e-12 * np.abs(predictors).max(axis=0))
