"""How wrong ground surface temperatures are: scores of predictions at stations, and the parts of their error.

The error at a place has a part that stays (the place differs from what the model takes for granted: snow, vegetation,
soil) and a part that changes from day to day. Sums over a year, such as degree-days, average the second one out, not
the first; so the two are told apart.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from cryoscale.thermal._ground_temperature import earlier_correlations

DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class ErrorParts:
    """Parts of the error of daily temperatures at stations.

    Attributes
    ----------
    station_bias_sd : float
        Standard deviation of the stations' persistent errors about 0, K; NaN with one station.
    daily_error : float
        Standard deviation of what is left once each station's mean error is taken out, K.
    error_correlation : float
        Correlation of what is left from one day to the next; NaN without neighbouring days.
    """

    station_bias_sd: float
    daily_error: float
    error_correlation: float


def error_parts(errors: pd.DataFrame) -> ErrorParts:
    """Tell the persistent part of the error from that which changes from day to day.

    Daily errors are taken for a process whose correlation is r^d over d days, r being their lag-1 correlation. The
    mean of n days of it has the variance s2 v / n, with v = sum_ij(r^|t_i - t_j|) / n, and the squares about that mean
    sum to s2 (n - v) (von Storch and Zwiers, 1999, Statistical Analysis in Climate Research). From this
    follow s2, over all stations, and the persistent variance, mean(b^2 - s2 v / n) with b a station's mean error, at
    least 0: what chance leaves in the mean of so many days is no property of the station.

    Parameters
    ----------
    errors : pandas.DataFrame
        ``station``, ``time`` (one row a day) and ``error``, predicted minus observed, K.

    Returns
    -------
    ErrorParts
        Its `daily_error` and `station_bias_sd` are NaN where no station has two days.

    Examples
    --------
    >>> days = pd.date_range("2010-01-01", periods=4)
    >>> table = pd.DataFrame({"station": np.repeat(["a", "b"], 4), "time": [*days, *days]})
    >>> error_parts(table.assign(error=[3.0, 1.0, 3.0, 1.0, -3.0, -1.0, -1.0, -3.0])).error_correlation
    -0.666...
    """
    ordered = errors.assign(day=errors["time"].dt.floor("D")).sort_values(["station", "day"])
    by_station = ordered.groupby("station")["error"]
    biases, days = by_station.mean(), by_station.size()
    ordered["rest"] = ordered["error"] - by_station.transform("mean")
    correlation = _lag_one(ordered)
    inflation = _inflation(ordered, min(max(correlation, 0.0), 0.99) if np.isfinite(correlation) else 0.0)
    freedom = float((days - inflation).sum())
    variance = float((ordered["rest"] ** 2).sum() / freedom) if freedom > 0.0 else np.nan
    persistent = float((biases**2 - variance * inflation / days).mean()) if len(days) > 1 else np.nan
    return ErrorParts(float(np.sqrt(np.maximum(persistent, 0.0))), float(np.sqrt(variance)), correlation)


def _lag_one(ordered: pd.DataFrame) -> float:
    """Correlation of `rest` with that of the same station on the next day, about a mean of 0."""
    before = ordered.groupby("station")[["day", "rest"]].shift()
    neighbours = ordered["day"] - before["day"] == DAY
    first, second = before["rest"][neighbours].to_numpy(float), ordered["rest"][neighbours].to_numpy(float)
    squares = float((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / np.sqrt(squares)) if squares > 0.0 else np.nan


def _inflation(ordered: pd.DataFrame, correlation: float) -> "pd.Series[float]":
    """By how much correlation widens the variance of each station's mean, on the days that it has."""
    stations = ordered["station"]
    days = (ordered["day"] - ordered["day"].iloc[0]) / DAY
    earlier = earlier_correlations(pd.factorize(stations)[0], days.to_numpy(float), correlation)
    return 1.0 + 2.0 * ordered.assign(earlier=earlier).groupby("station")["earlier"].mean()


def score_table(predictions: pd.DataFrame, by: str | pd.Series) -> pd.DataFrame:
    """Scores of every group of predictions.

    Parameters
    ----------
    predictions : pandas.DataFrame
        ``predicted`` and ``observed``, degC.
    by : str or pandas.Series
        Column, or values beside the rows, that groups them.

    Returns
    -------
    pandas.DataFrame
        One row a group: ``n``; ``bias``, mean of predicted minus observed, K; ``rmse``, K; ``r2``, 1 - squared errors /
        squared deviations of the group's observations from their mean, NaN where those do not vary.

    Examples
    --------
    >>> table = pd.DataFrame({"station": ["a", "a"], "predicted": [1.0, 2.0], "observed": [0.0, 4.0]})
    >>> score_table(table, "station").round(3).loc["a"].tolist()
    [2.0, -0.5, 1.581, 0.375]
    """
    error = predictions["predicted"] - predictions["observed"]
    groups = predictions.assign(error=error, square=error**2).groupby(by)
    squares, spread = groups["square"].mean(), groups["observed"].var(ddof=0)
    scores = {"n": groups.size(), "bias": groups["error"].mean(), "rmse": np.sqrt(squares)}
    return pd.DataFrame({**scores, "r2": 1.0 - squares / spread.where(spread > 0.0)})


def held_out_scores(held_out: pd.DataFrame) -> dict[str, float]:
    """Scores of a sub-model from its predictions of samples that it was not fitted to.

    Parameters
    ----------
    held_out : pandas.DataFrame
        ``station``, ``time``, ``observed``, ``predicted`` (from the other stations; NaN where there is one only) and
        ``predicted_random`` (from the other random folds), degC.

    Returns
    -------
    dict
        ``n_samples``, ``n_stations``, ``rmse``, ``r2`` and ``bias`` with the suffixes ``_random`` and ``_by_station``,
        and the parts of the error at stations left out; with one station, of that in random folds.

    Examples
    --------
    >>> table = pd.DataFrame({"station": ["a", "b"], "time": pd.Timestamp("2010-01-01"), "observed": [0.0, 4.0]})
    >>> held_out_scores(table.assign(predicted=[1.0, 5.0], predicted_random=[0.5, 4.5]))["bias_by_station"]
    1.0
    """
    n_stations = held_out["station"].nunique()
    everything = pd.Series(0, index=held_out.index)
    random = score_table(held_out.assign(predicted=held_out["predicted_random"]), everything).iloc[0]
    by_station = score_table(held_out, everything).iloc[0]
    apart = held_out["predicted" if n_stations > 1 else "predicted_random"] - held_out["observed"]
    return {
        "n_samples": len(held_out),
        "n_stations": n_stations,
        **{f"{score}_random": float(random[score]) for score in ("rmse", "r2", "bias")},
        **{f"{score}_by_station": float(by_station[score]) for score in ("rmse", "r2", "bias")},
        **asdict(error_parts(held_out.assign(error=apart))),
    }
