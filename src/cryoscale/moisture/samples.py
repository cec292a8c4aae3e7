"""Samples of moisture: from layers of the ground to one mean a sample, without outliers, to one mean a pixel."""

import calendar
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cryoscale.errors import InputError

FEWEST = 10
"""Samples of a method below which its outliers are not looked for: a median of fewer says too little."""

_LAYER = ("sample", "longitude", "latitude", "start", "end", "depth_top", "depth_bottom", "moisture", "method")
_MEAN = ("sample", "longitude", "latitude", "method", "start", "end", "moisture", "thickness", "depth_bottom", "reason")
_SAME = ["longitude", "latitude", "start", "end", "thickness", "depth_bottom", "moisture"]
_VISIT = ["sample", "start", "end"]
_ROUNDING = 1e-6  # m, or m3 m-3
_LEAST_SCALE = 0.02  # m3 m-3: what two ring knives side by side differ by; no scatter is taken for smaller
_NORMAL = 1.4826  # standard deviation of a normal distribution over its median absolute deviation


def depth_means(table: pd.DataFrame, *, months: Sequence[int] = (9, 10), min_share: float = 0.6) -> pd.DataFrame:
    """Mean moisture of every sample over its depth, sum(theta dz) / sum(dz).

    What was measured between one first and one last day is a visit. A visit counts if it overlaps the months, in any
    year, and if its layers cover enough of the depth; a sample with several such visits has their mean.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a layer: ``sample``, ``longitude``, ``latitude``, ``start``, ``end``, ``depth_top``, ``depth_bottom``
        (m), ``moisture`` (m3 m-3), ``method``, as `cryoscale.readers.read_moisture_samples` gives them.
    months : sequence of int
        Months that count, 1 to 12.
    min_share : float
        Least share of the depth from the surface to the lowest layer that must be measured, above 0 to 1.

    Returns
    -------
    pandas.DataFrame
        One row a sample, by its name: ``sample``, ``longitude``, ``latitude``, ``method``, ``start``, ``end`` (first
        and last day of the visits that count), ``moisture`` (m3 m-3), ``thickness`` (sum of dz, m), ``depth_bottom``
        (m), ``n_visits``, ``n_layers``, ``share`` (thickness over depth_bottom), and ``reason``: empty where the
        sample is accepted. Of a sample that is not, the visits are summed up that come nearest.

    Raises
    ------
    InputError
        If a column is missing, a number cannot be, or layers of a visit overlap; if months or share are none.

    Examples
    --------
    >>> day = pd.Timestamp("2012-09-15")
    >>> place = {"sample": "P1", "longitude": 93.1, "latitude": 34.8, "start": day, "end": day, "method": "ring knife"}
    >>> layers = [(0.0, 0.2, 0.35), (0.2, 1.0, 0.20)]
    >>> rows = [place | dict(zip(["depth_top", "depth_bottom", "moisture"], layer)) for layer in layers]
    >>> depth_means(pd.DataFrame(rows))[["moisture", "thickness", "share", "reason"]].round(3).values.tolist()
    [[0.23, 1.0, 1.0, '']]
    """
    chosen = sorted({int(month) for month in months})
    if not chosen or chosen[0] < 1 or chosen[-1] > 12:
        raise InputError(f"months: {list(months)} are none. Give numbers from 1 to 12, such as 9 and 10.")
    if not 0.0 < min_share <= 1.0:
        raise InputError(f"min_share: {min_share} is no share of the depth. Give a number above 0, at most 1.")
    _require_layers(table)
    visits = _visits(table)
    in_season = _overlaps(visits["start"], visits["end"], chosen)
    visits["fault"] = np.where(~in_season, 2, np.where(visits["share"] < min_share - _ROUNDING, 1, 0))
    nearest = visits[visits["fault"] == visits.groupby("sample")["fault"].transform("min")]
    means = nearest.groupby("sample", as_index=False).agg(
        **{name: (name, "first") for name in ("longitude", "latitude", "method", "fault")},
        start=("start", "min"),
        end=("end", "max"),
        **{name: (name, "mean") for name in ("moisture", "thickness", "depth_bottom", "share")},
        n_visits=("sample", "size"),
        n_layers=("n_layers", "sum"),
    )
    too_little = [f"covers {np.floor(100.0 * share + 1e-9):.0f} % of its depth" for share in means["share"]]
    means["reason"] = np.select([means["fault"] == 2, means["fault"] == 1], [_outside(chosen), too_little], "")
    names = ["sample", "longitude", "latitude", "method", "start", "end", "moisture", "thickness", "depth_bottom"]
    return means[[*names, "n_visits", "n_layers", "share", "reason"]]


def screen(table: pd.DataFrame, *, threshold: float = 3.5) -> pd.DataFrame:
    """Give accepted samples that lie far from the others of their method a reason not to be used.

    Robust deviations are (moisture - median) / (1.4826 MAD) within a method, with the threshold of Iglewicz and Hoaglin
    (1993, How to Detect and Handle Outliers, ASQC). They are those of moisture itself, not of its logit: a ring knife
    and a radar err by about as many m3 m-3 in dry ground as in wet, and a logit would drop dry ground for its dryness.
    The scale is at least 0.02 m3 m-3, so that samples that agree do not make an outlier of one that differs a little.

    Parameters
    ----------
    table : pandas.DataFrame
        From `depth_means`.
    threshold : float
        Robust deviations that are still accepted.

    Returns
    -------
    pandas.DataFrame
        The same rows, with ``deviation`` (NaN where none was found) and ``reason`` filled where it is beyond.
        ``attrs["not_screened"]`` counts the samples of methods that have fewer than 10, whose deviations are NaN.

    Raises
    ------
    InputError
        If a column is missing or the threshold is not above 0.

    Examples
    --------
    >>> table = pd.DataFrame({"method": "ring knife", "moisture": [0.2, 0.24, 0.22] * 4 + [0.95], "reason": ""})
    >>> screen(table).reason[12]
    '24.6 robust deviations from the ring-knife median 0.22'
    """
    _require_columns(table, ("method", "moisture", "reason"))
    if not threshold > 0.0:
        raise InputError(f"threshold: {threshold} leaves no sample. Give robust deviations above 0, such as 3.5.")
    reasons, methods, moisture = (table[name].to_numpy(copy=True) for name in ("reason", "method", "moisture"))
    deviations, few = np.full(len(table), np.nan), {}
    for method in sorted(set(methods[reasons == ""])):
        group = np.flatnonzero((reasons == "") & (methods == method))
        if len(group) < FEWEST:
            few[method] = len(group)
            continue
        median = np.median(moisture[group])
        scale = max(_NORMAL * np.median(np.abs(moisture[group] - median)), _LEAST_SCALE)
        deviations[group] = (moisture[group] - median) / scale
        for far in group[np.abs(deviations[group]) > threshold]:
            name = f"{method.replace(' ', '-')} median {median:.2f}"
            reasons[far] = f"{abs(deviations[far]):.1f} robust deviations from the {name}"
    screened = table.assign(deviation=deviations, reason=reasons)
    screened.attrs["not_screened"] = few
    return screened


def merge_pixels(table: pd.DataFrame, rows: ArrayLike, columns: ArrayLike) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Merge accepted samples that lie in one pixel; a sample that is there again under another name does not count.

    The mean over samples is plain: each is one look at the pixel, and a deeper one is no better look.

    Parameters
    ----------
    table : pandas.DataFrame
        From `depth_means` or `screen`.
    rows, columns : array_like of int
        Pixel of every sample, (n,).

    Returns
    -------
    samples : pandas.DataFrame
        The table; a sample of the place, dates, depths and moisture of another has the ``reason`` "duplicate of ..."
        with the name of the first in the order of names.
    pixels : pandas.DataFrame
        One row a pixel, by row and column: ``row``, ``column``, ``longitude``, ``latitude`` (means, degree),
        ``moisture`` (m3 m-3), ``thickness`` (m), ``n_samples``, ``sample`` and ``method`` (joined by commas).

    Raises
    ------
    InputError
        If a column is missing or rows and columns are not one for each sample.

    Examples
    --------
    >>> day = pd.Timestamp("2012-09-15")
    >>> one = {"longitude": 93.1, "latitude": 34.8, "start": day, "end": day, "thickness": 1.0, "depth_bottom": 1.0}
    >>> two = [{"sample": "A", "moisture": 0.2}, {"sample": "B", "moisture": 0.3}, {"sample": "C", "moisture": 0.3}]
    >>> table = pd.DataFrame([one | other | {"method": "ring knife", "reason": ""} for other in two])
    >>> samples, pixels = merge_pixels(table, [4, 4, 4], [7, 7, 7])
    >>> samples.reason.tolist(), pixels[["sample", "moisture"]].values.tolist()
    (['', '', 'duplicate of B'], [['A, B', 0.25]])
    """
    _require_columns(table, _MEAN)
    places = np.asarray(rows), np.asarray(columns)
    for name, place in zip(("rows", "columns"), places, strict=True):
        if place.shape != (len(table),) or place.dtype.kind not in "iu" or (place < 0).any():
            raise InputError(
                f"{name}: must be one whole number, 0 or more, for each of {len(table)} samples. Leave out samples "
                "outside the grid first."
            )
    samples = _mark_duplicates(table)
    accepted = samples.assign(row=places[0], column=places[1])[samples["reason"] == ""]
    pixels = (
        accepted.sort_values(["row", "column", "sample"])
        .groupby(["row", "column"], as_index=False)
        .agg(
            **{name: (name, "mean") for name in ("longitude", "latitude", "moisture", "thickness")},
            n_samples=("sample", "size"),
            sample=("sample", _join),
            method=("method", _join),
        )
    )
    return samples, pixels


def _require_columns(table: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in table]
    if missing:
        raise InputError(
            f"table of samples: has the columns {', '.join(map(str, table.columns))}; it needs {', '.join(missing)}."
        )


def _require_layers(table: pd.DataFrame) -> None:
    _require_columns(table, _LAYER)
    top, bottom, moisture = (table[name] for name in ("depth_top", "depth_bottom", "moisture"))
    rules = {
        "depth_top": (top >= 0.0, "m below the surface, 0 or more"),
        "depth_bottom": (bottom > top, "m, and below depth_top"),
        "moisture": (moisture.between(0.0, 1.0), "m3 m-3, 0 to 1"),
        "end": (table["end"] >= table["start"], "a date, not before start"),
    }
    for name, (good, expected) in rules.items():
        if not good.all():
            layer = table[~good].iloc[0]
            raise InputError(
                f"table of samples: {name} is {layer[name]} in the sample {layer['sample']}, but must be {expected}. "
                "Correct it or leave the layer out."
            )


def _visits(table: pd.DataFrame) -> pd.DataFrame:
    """Sums over the layers that were measured together."""
    dz = table["depth_bottom"] - table["depth_top"]
    layers = table.assign(thickness=dz, water=dz * table["moisture"]).sort_values(list(_LAYER), kind="stable")
    _require_separate(layers)
    visits = layers.groupby(_VISIT, as_index=False).agg(
        **{name: (name, "first") for name in ("longitude", "latitude", "method")},
        **{name: (name, "sum") for name in ("thickness", "water")},
        depth_bottom=("depth_bottom", "max"),
        n_layers=("water", "size"),
    )
    visits["moisture"] = visits["water"] / visits["thickness"]
    visits["share"] = visits["thickness"] / visits["depth_bottom"]
    return visits


def _require_separate(layers: pd.DataFrame) -> None:
    """Layers in order of depth: each begins where the one above ends, or below; each sample is one."""
    above = layers.groupby(_VISIT)["depth_bottom"].shift()
    wrong = layers["depth_top"] < above - _ROUNDING
    if wrong.any():
        layer = layers[wrong].iloc[0]
        raise InputError(
            f"table of samples: the layer from {layer.depth_top:g} to {layer.depth_bottom:g} m of the sample "
            f"{layer['sample']} overlaps the one above. Correct depth_top and depth_bottom."
        )
    several = layers.groupby("sample")[["longitude", "latitude", "method"]].nunique() > 1
    for name in several.columns[several.any()]:
        raise InputError(
            f"table of samples: {name} differs within the sample {several[name].idxmax()}. Give each {name} a sample "
            "of its own."
        )


def _overlaps(start: "pd.Series[Any]", end: "pd.Series[Any]", months: list[int]) -> NDArray[np.bool_]:
    """Whether a period has a day in one of the months: whether that month comes before the period is over."""
    first = 12 * start.dt.year + start.dt.month - 1
    length = 12 * end.dt.year + end.dt.month - 1 - first
    reached = [(month - 1 - first) % 12 <= length for month in months]
    return np.asarray(np.logical_or.reduce(reached))


def _outside(months: list[int]) -> str:
    names = [calendar.month_name[month] for month in months]
    in_a_row = len(months) > 1 and months[-1] - months[0] == len(months) - 1
    return f"outside {names[0]}-{names[-1]}" if in_a_row else f"outside {', '.join(names)}"


def _mark_duplicates(table: pd.DataFrame) -> pd.DataFrame:
    """Accepted samples that are there under an earlier name get the reason."""
    rounded = table.round({"thickness": 6, "depth_bottom": 6, "moisture": 6}).reset_index(drop=True)
    accepted = rounded[rounded["reason"] == ""].sort_values("sample", kind="stable")
    first = accepted.groupby(_SAME)["sample"].transform("first")
    again = first[accepted.duplicated(_SAME)]
    reasons = rounded["reason"].copy()
    reasons[again.index] = [f"duplicate of {name}" for name in again]
    return table.assign(reason=reasons.to_numpy())


def _join(names: "pd.Series[str]") -> str:
    return ", ".join(sorted(set(names)))
