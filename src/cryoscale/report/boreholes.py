"""What boreholes say of a permafrost map."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cryoscale.report.canvas import GAP, INK, new_axes, open_frame, set_title
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text
from cryoscale.report.palette import CLASS_COLOURS

_MARKERS = "osD^v"
_MEASURED = {"ttop": "temperature at the top of permafrost", "magt": "mean annual ground temperature"}


def borehole_plot(boreholes: pd.DataFrame, *, observed: str = "ttop", title: str | None = None) -> Axes:
    """Draw the predicted temperature at the top of permafrost against the temperature measured in boreholes.

    Parameters
    ----------
    boreholes : pandas.DataFrame
        ``mean_ttop`` (predicted, degC), the measured column (degC), and ``state`` where it is known; rows without both
        temperatures are left out.
    observed : str
        The measured column: ``"ttop"`` or ``"magt"``.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Shaded where the signs differ, so that the class is wrong. Colour and marker tell the state.
    """
    shown = boreholes.dropna(subset=["mean_ttop", observed])
    axes = new_axes(5.4, 4.2)
    open_frame(axes)
    low, high = _common_range(shown[["mean_ttop", observed]].to_numpy(float))
    axes.fill_between([low, 0], 0, high, color=GAP, linewidth=0, label="wrong class")
    axes.fill_between([0, high], low, 0, color=GAP, linewidth=0)
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle="--", label="1:1")
    states = shown.get("state", pd.Series(index=shown.index, dtype=object)).fillna("state unknown")
    for marker, (state, group) in zip(_MARKERS, shown.groupby(states, sort=True), strict=False):
        colour = _state_colour(str(state))
        style: dict[str, Any] = {"color": colour, "markeredgecolor": INK, "markeredgewidth": 0.6, "markersize": 6}
        axes.plot(group[observed], group["mean_ttop"], marker, label=f"{state} ({len(group)})", **style)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel(f"Measured {_MEASURED[observed]} (°C)", fontsize=8.5, color=INK)
    axes.set_ylabel("Predicted temperature at the\ntop of permafrost (°C)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    set_title(axes, title)
    return axes


def borehole_table(boreholes: pd.DataFrame) -> Table:
    """Boreholes one by one, and whether the map is right about them.

    Parameters
    ----------
    boreholes : pandas.DataFrame
        ``borehole``, ``mean_ttop`` (predicted, degC) and, where they are known, ``ttop``, ``magt`` (degC), ``state``.

    Returns
    -------
    Table
        Ground is permafrost where the state says so or, without a state, the measured temperature is at most 0 degC.
    """
    rows = [_borehole_row(row) for row in boreholes.to_dict("records")]
    header = ("Borehole", "State", "Measured (°C)", "Predicted (°C)", "Class")
    return Table("Boreholes", header, rows)


def _borehole_row(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    measured = [float(row[name]) for name in ("ttop", "magt") if pd.notna(row.get(name))]
    state = str(row["state"]) if pd.notna(row.get("state")) else ""
    predicted = float(row["mean_ttop"])
    frozen = "permafrost" in state if state else bool(measured) and measured[0] <= 0
    known = bool(state or measured) and np.isfinite(predicted)
    verdict = ("right" if frozen == (predicted <= 0) else "wrong") if known else "–"
    temperatures = (
        number_text(value, decimals=2) if np.isfinite(value) else "–"
        for value in (measured[0] if measured else np.nan, predicted)
    )
    return (str(row["borehole"]), state or "–", *temperatures, verdict)


def _state_colour(state: str) -> str:
    return CLASS_COLOURS.get(state.replace(" ", "_"), "white")


def _common_range(values: np.ndarray) -> tuple[float, float]:
    """Of both axes; it holds 0, where the classes part."""
    low, high = min(values.min(initial=-1.0), -1.0), max(values.max(initial=1.0), 1.0)
    return float(low - 0.06 * (high - low)), float(high + 0.06 * (high - low))
