"""Estimates held against what is true or measured: dots or a density, and their errors in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.canvas import ACCENT, INK, new_axes, open_frame, set_title
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text, unit_text, with_unit
from cryoscale.report.plots import _axis_range, _drawn_together, _score_text, scatter_against_truth
from cryoscale.stats import scores

_FEW = 1000  # pairs of values up to which each is a dot


@dataclass(frozen=True, slots=True)
class Check:
    """An estimate and what it is held against.

    Attributes
    ----------
    quantity : str
        What is estimated, such as "Land surface temperature at 30 m".
    reference : str
        What it is held against, such as "truth of the scene" or "sites left out".
    estimate, truth : xarray.DataArray
        Of the same dims and unit, NaN where there is no value; lazy or not. `truth` has the attribute ``units``.
    """

    quantity: str
    reference: str
    estimate: xr.DataArray
    truth: xr.DataArray


def check_plot(check: Check) -> Axes:
    """Draw an estimate against its reference, with the line where both are equal.

    Parameters
    ----------
    check : Check
        What to draw.

    Returns
    -------
    matplotlib.axes.Axes
        A dot for each pair of values up to 1000, else their density; with n, bias, RMSE and R of all values.
    """
    if check.truth.size > _FEW:
        return scatter_against_truth(check.estimate, check.truth, title=check.quantity)
    x, y = _drawn_together(check.truth, check.estimate)
    axes = new_axes(4.2, 3.9)
    open_frame(axes)
    low, high = _axis_range(np.concatenate([x, y]))
    axes.plot([low, high], [low, high], color=ACCENT, linewidth=1.0)
    axes.plot(x, y, "o", color="#00486e", markersize=5, alpha=0.8)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel(with_unit("Reference", check.truth), fontsize=8.5, color=INK)
    axes.set_ylabel(with_unit("Estimate", check.truth), fontsize=8.5, color=INK)
    text = _score_text(check.estimate, check.truth)
    axes.text(0.04, 0.96, text, transform=axes.transAxes, va="top", fontsize=8.5, color=INK)
    set_title(axes, check.quantity)
    return axes


def check_table(checks: Sequence[Check]) -> Table:
    """RMSE and mean error of every estimate.

    Parameters
    ----------
    checks : sequence of Check
        In the order shown.

    Returns
    -------
    Table
        A row for each: what, against what, n, RMSE, mean error (estimate minus reference), mean absolute error and R.

    Examples
    --------
    >>> truth = xr.DataArray([1.0, 1.5, 2.0], dims="site", attrs={"units": "m"})
    >>> check_table([Check("Thickness", "sites", truth - 0.25, truth)]).rows[0][:5]
    ('Thickness', 'sites', '3', '0.250 m', '−0.250 m')
    """
    header = ("Quantity", "Against", "n", "RMSE", "Mean error", "Mean absolute error", "R")
    return Table("Errors", header, [_row(check) for check in checks])


def _row(check: Check) -> tuple[str, ...]:
    result = scores(check.estimate, check.truth).compute()
    units = str(check.truth.attrs.get("units", ""))
    unit = unit_text("K" if units == "degC" else units)  # of differences
    rmse, bias, mae = (float(result[name]) for name in ("rmse", "bias", "mae"))
    errors = (number_text(rmse, decimals=3), number_text(bias, decimals=3, signed=True), number_text(mae, decimals=3))
    r = number_text(float(result.r), decimals=3)
    return (check.quantity, check.reference, f"{int(result.n):,}", *(f"{each} {unit}".rstrip() for each in errors), r)
