"""How the ratio of conductivities is calibrated: its values by class, and what the calibration is worth."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cryoscale.report.canvas import ACCENT, INK, new_axes, open_frame, set_title
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text
from cryoscale.stats.confusion import Confusion


class Fitted(Protocol):
    """A calibration, such as `thermal.RkCalibration`."""

    @property
    def confusion(self) -> Confusion:
        """Of the map with the survey that it was fitted to."""


class CrossValidated(Protocol):
    """A calibration with its spatial cross-validation, such as `thermal.RkValidation`."""

    @property
    def calibration(self) -> Fitted:
        """To all pixels."""

    @property
    def confusion(self) -> Confusion:
        """Of all pixels, each predicted by a calibration that has not seen its block."""

    @property
    def kappa_interval(self) -> tuple[float, float]:
        """95 % interval of the cross-validated kappa."""


def rk_plot(classes: pd.DataFrame, *, counted: str = "px", title: str | None = None) -> Axes:
    """Draw the ratio of thawed to frozen conductivity of every class, before and after calibration.

    Parameters
    ----------
    classes : pandas.DataFrame
        By class (index): ``name``; ``n``, pixels; ``rk_table``, what was given, NaN where nothing was; ``rk``,
        calibrated, with its standard error ``rk_error``; ``pooled``, whether it has too few pixels of its own.
    counted : str
        What ``n`` counts, beside the number.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Hollow: given. Filled: calibrated, with one standard error to either side.
    """
    axes = new_axes(5.8, 0.9 + 0.3 * len(classes))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    places = np.arange(len(classes))
    style: dict[str, Any] = {"color": ACCENT, "markersize": 5.5, "linewidth": 1.4}
    axes.errorbar(classes["rk"], places, xerr=classes["rk_error"], fmt="o", label="calibrated", **style)
    hollow: dict[str, Any] = {"markerfacecolor": "white", "color": INK, "markersize": 5.5}
    axes.plot(classes["rk_table"], places, "o", label="from the table", zorder=3, **hollow)
    labels = [f"{name}  ({count:,.0f} {counted})" for name, count in zip(classes["name"], classes["n"], strict=True)]
    axes.set_yticks(places, labels)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xlabel("Ratio of thawed to frozen thermal conductivity", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    set_title(axes, title)
    return axes


def rk_table(classes: pd.DataFrame, *, counted: str = "Pixels") -> Table:
    """Ratio of conductivities by class in numbers.

    Parameters
    ----------
    classes : pandas.DataFrame
        As of `rk_plot`.
    counted : str
        What ``n`` counts, as the heading of its column.

    Returns
    -------
    Table
    """
    rows = [
        (
            str(code),
            str(row["name"]),
            f"{row['n']:,.0f}",
            *(_number(row[name], decimals=3) for name in ("rk_table", "rk", "rk_error")),
            "yes" if row["pooled"] else "no",
        )
        for code, row in classes.iterrows()
    ]
    header = ("Class", "Name", counted, "rk, table", "rk, calibrated", "Standard error", "Pooled")
    return Table("Ratio of thawed to frozen thermal conductivity", header, rows)


def calibration_table(results: Mapping[str, CrossValidated]) -> Table:
    """What the calibration is worth: kappa on what it was fitted to, and on what it has not seen.

    Parameters
    ----------
    results : mapping of str to CrossValidated
        By what was calibrated, such as "rk by class" and "single rk".

    Returns
    -------
    Table
    """
    rows = [
        (
            name,
            *(_number(kappa, decimals=3) for kappa in (result.calibration.confusion.kappa, result.confusion.kappa)),
            " to ".join(_number(end, decimals=2) for end in result.kappa_interval),
        )
        for name, result in results.items()
    ]
    header = ("Calibrated", "Kappa, fitted", "Kappa, cross-validated", "95 % interval")
    return Table("Calibration against the survey", header, rows)


def _number(value: float, *, decimals: int) -> str:
    return number_text(float(value), decimals=decimals) if np.isfinite(value) else "–"
