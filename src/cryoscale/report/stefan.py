"""How Stefan's factor is calibrated: its lines, what they are worth, and its values by class."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.canvas import ACCENT, INK, new_axes, open_frame, set_title
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text
from cryoscale.report.markers import series_colours, series_markers
from cryoscale.report.palette import class_label
from cryoscale.stats import scores
from cryoscale.thermal.stefan_calibration import StefanCalibration

E_UNIT = "m °C⁻⁰·⁵ d⁻⁰·⁵"
_ALL = "All sites"


def stefan_plot(
    calibration: StefanCalibration, *, names: Mapping[int, str] | None = None, title: str | None = None
) -> Axes:
    """Draw measured thickness against the root of degree-days, with the line of every class through the origin.

    Parameters
    ----------
    calibration : thermal.StefanCalibration
        From `thermal.calibrate_stefan`.
    names : mapping of int to str, optional
        What the classes are.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Bands are the bootstrap intervals of E. Classes that take the E of all, a dashed line, are hollow.
    """
    axes = new_axes(6.2, 4.2)
    open_frame(axes)
    samples, table = calibration.samples, calibration.table
    farthest = 1.05 * float(np.sqrt(samples["ddt"].max()))
    rows = _rows(calibration)
    for code, label, colour, marker in _groups(calibration, names):
        group = samples[samples["class"] == code]
        few = code in rows and rows[code]["pooled"]
        style: dict[str, Any] = {"color": colour, "markersize": 5.5, "linestyle": "none", "zorder": 3}
        style |= {"markerfacecolor": "white" if few else colour}
        text = f"{label} ({len(group)}{', too few' if few else ''})"
        axes.plot(np.sqrt(group["ddt"]), group["active_layer_thickness"], marker, label=text, **style)
        if code in rows and not few:
            _draw_line(axes, rows[code], farthest=farthest, color=colour)
    if table.empty or table["pooled"].any():
        _draw_line(axes, asdict(calibration.everywhere), farthest=farthest, color=INK, linestyle="--", label="E of all")
    axes.set(xlim=(0, farthest), ylim=(0, None))
    axes.set_xlabel("Root of the thawing degree-days (°C⁰·⁵ d⁰·⁵)", fontsize=8.5, color=INK)
    axes.set_ylabel("Measured thickness of the active layer (m)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    set_title(axes, title)
    return axes


def left_out_plot(
    calibration: StefanCalibration, *, names: Mapping[int, str] | None = None, title: str | None = None
) -> Axes:
    """Draw the thickness that the other sites predict for each site against the measured one.

    Parameters
    ----------
    calibration : thermal.StefanCalibration
        From `thermal.calibrate_stefan`.
    names : mapping of int to str, optional
        What the classes are.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        With n, RMSE, bias and R.
    """
    samples = calibration.samples
    measured, predicted = samples["active_layer_thickness"], samples["predicted"]
    axes = new_axes(5.8, 4.0)
    open_frame(axes)
    high = 1.06 * float(max(measured.max(), predicted.max()))
    axes.plot([0, high], [0, high], color=ACCENT, linewidth=1.0)
    for code, label, colour, marker in _groups(calibration, names):
        which = samples["class"] == code
        style: dict[str, Any] = {"color": colour, "markersize": 5.5, "linestyle": "none", "label": label}
        axes.plot(measured[which], predicted[which], marker, **style)
    axes.set(xlim=(0, high), ylim=(0, high), aspect="equal")
    axes.set_xlabel("Measured thickness (m)", fontsize=8.5, color=INK)
    axes.set_ylabel("Predicted by the other sites (m)", fontsize=8.5, color=INK)
    text = _score_text(predicted, measured)
    axes.text(0.04, 0.96, text, transform=axes.transAxes, va="top", fontsize=8.5, color=INK)
    if not calibration.table.empty:
        axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    set_title(axes, title)
    return axes


def stefan_table(calibration: StefanCalibration, *, names: Mapping[int, str] | None = None) -> Table:
    """Stefan's factor by class in numbers.

    Parameters
    ----------
    calibration : thermal.StefanCalibration
        From `thermal.calibrate_stefan`.
    names : mapping of int to str, optional
        What the classes are.

    Returns
    -------
    Table
        A row for each class, and one for all sites together.
    """
    rows = [
        (_name(code, names), *_estimate_cells(row), "yes" if row["pooled"] else "no")
        for code, row in _rows(calibration).items()
    ]
    rows.append((_ALL, *_estimate_cells(asdict(calibration.everywhere)), "–"))
    header = (
        "Class",
        "n",
        f"E ({E_UNIT})",
        "95 % interval",
        "Standard error",
        "RMSE left out (m)",
        "Bias left out (m)",
        "Takes the E of all",
    )
    return Table("Stefan's factor E", header, rows)


def _groups(calibration: StefanCalibration, names: Mapping[int, str] | None) -> Iterator[tuple[int, str, str, str]]:
    """Code, label, colour and marker of every class; all sites as one where there are no classes."""
    codes = list(_rows(calibration)) or [0]
    labels = [_name(code, names) if code else _ALL for code in codes]
    return zip(codes, labels, series_colours(len(codes)), series_markers(len(codes)), strict=True)


def _name(code: int, names: Mapping[int, str] | None) -> str:
    return class_label(names[code]) if names and code in names else f"Class {code}"


def _rows(calibration: StefanCalibration) -> dict[int, dict[str, Any]]:
    """Estimate of every class."""
    codes = calibration.table.index.to_numpy(int).tolist()
    return dict(zip(codes, calibration.table.to_dict("records"), strict=True))


def _draw_line(axes: Axes, estimate: Mapping[str, Any], *, farthest: float, color: str, **style: Any) -> None:
    x = np.array([0.0, farthest])
    axes.fill_between(x, estimate["lower"] * x, estimate["upper"] * x, color=color, alpha=0.13, linewidth=0)
    axes.plot(x, estimate["e_factor"] * x, color=color, linewidth=1.3, **style)


def _estimate_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{row['n']:.0f}",
        f"{row['e_factor']:.4f}",
        f"{row['lower']:.4f} to {row['upper']:.4f}",
        f"{row['e_error']:.4f}",
        f"{row['loo_rmse']:.3f}",
        number_text(float(row["loo_bias"]), decimals=3, signed=True),
    )


def _score_text(predicted: pd.Series, measured: pd.Series) -> str:
    result = scores(*(xr.DataArray(column.to_numpy(float), dims="site") for column in (predicted, measured)))
    return "\n".join(
        (
            f"n = {int(result.n)}",
            f"RMSE = {float(result.rmse):.2f} m",
            f"bias = {number_text(float(result.bias), decimals=2, signed=True)} m",
            f"R = {number_text(float(result.r), decimals=2)}",
        )
    )
