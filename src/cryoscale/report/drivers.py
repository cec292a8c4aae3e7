"""Environmental drivers of deformation as figures (Fig. 12 of Chang et al.)."""

from math import ceil

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.canvas import ACCENT, FAINT, INK, new_axes, open_frame, set_title
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text, unit_text
from cryoscale.report.panels import new_panels

ALPHA = 0.05  # level of significance that fills a bar
BOX = "#7f9bb3"


def correlation_bars(drivers: xr.Dataset, *, title: str | None = None) -> Axes:
    """Draw the absolute correlation of each driver, the strongest on top; hollow where it may be chance.

    Parameters
    ----------
    drivers : xarray.Dataset
        From `insar.driver_statistics`.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
    """
    order = drivers.isel(driver=np.argsort(np.abs(drivers.r.values)))
    axes = new_axes(5.2, 0.5 + 0.45 * order.sizes["driver"])
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    for place, (r, p) in enumerate(zip(order.r.values, order.p_value.values, strict=True)):
        sure = p < ALPHA
        axes.barh(place, abs(r), height=0.62, color=BOX if sure else "white", edgecolor=BOX, linewidth=1.0)
        text = f"R = {number_text(r, decimals=2, signed=True)}, {_p_text(p)}"
        axes.annotate(text, (abs(r), place), (4, 0), textcoords="offset points", va="center", fontsize=8, color=INK)
    axes.set_yticks(range(order.sizes["driver"]), [driver_name(str(name)) for name in order.driver.values])
    axes.set_xlim(0, 1.5 * max(float(np.nanmax(np.abs(order.r))), 0.1))
    axes.set_xlabel("Absolute correlation with thaw-season deformation", fontsize=8.5, color=INK)
    set_title(axes, title)
    return axes


def driver_boxes(drivers: xr.Dataset, *, label: str, columns: int = 3) -> Axes:
    """Draw the distribution of deformation in bins of each driver.

    Parameters
    ----------
    drivers : xarray.Dataset
        From `insar.driver_statistics`: 5, 25, 50, 75 and 95 % in ``quantiles``.
    label : str
        Of the deformation, with its unit.
    columns : int
        Plots in a row.

    Returns
    -------
    matplotlib.axes.Axes
        The first plot's.
    """
    n = drivers.sizes["driver"]
    rows, columns = ceil(n / columns), min(columns, n)
    panels = new_panels(rows, columns, width=3.4 * columns, height=2.7 * rows)
    for axes, i in zip(panels, range(n), strict=False):
        _draw_boxes(axes, drivers.isel(driver=i))
    for axes in panels[::columns]:
        axes.set_ylabel(label, fontsize=8.5, color=INK)
    for axes in panels[n:]:
        axes.set_axis_off()
    return panels[0]


def correlation_table(drivers: xr.Dataset) -> Table:
    """Correlations in numbers.

    Parameters
    ----------
    drivers : xarray.Dataset
        From `insar.driver_statistics`.

    Returns
    -------
    Table
    """
    rows = [
        (
            driver_name(str(each.driver.item())),
            number_text(float(each.r), decimals=2, signed=True),
            f"{int(each.n)}",
            f"{float(each.n_effective):.0f}",
            _p_text(float(each.p_value)).removeprefix("p = "),
        )
        for each in (drivers.isel(driver=i) for i in np.argsort(-np.abs(drivers.r.values)))
    ]
    return Table("Correlation with thaw-season deformation", ("Driver", "R", "Cells", "Independent", "p value"), rows)


def _draw_boxes(axes: Axes, driver: xr.Dataset) -> None:
    open_frame(axes)
    lower, upper = driver.lower.values, driver.upper.values
    filled = np.flatnonzero(driver["count"].values > 0)
    names = ("whislo", "q1", "med", "q3", "whishi")
    boxes = [dict(zip(names, driver["quantiles"].values[i], strict=True)) for i in filled]
    middle, width = (lower + upper) / 2, upper - lower
    axes.bxp(
        boxes,
        positions=middle[filled],
        widths=0.7 * width[filled],
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": BOX, "edgecolor": INK, "linewidth": 0.6, "alpha": 0.85},
        medianprops={"color": ACCENT, "linewidth": 1.4},
        whiskerprops={"color": INK, "linewidth": 0.7},
        capprops={"color": INK, "linewidth": 0.7},
    )
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.set_xlim(lower[0], upper[-1])
    unit = unit_text(str(driver.driver_units.item()))
    name = driver_name(str(driver.driver.item()))
    axes.set_xlabel(f"{name} ({unit})" if unit else name, fontsize=8.5, color=INK)


def driver_name(name: str) -> str:
    """What a figure calls a covariate.

    Parameters
    ----------
    name : str
        Registered name.

    Returns
    -------
    str

    Examples
    --------
    >>> driver_name("swir_albedo"), driver_name("ground_ice")
    ('SWIR albedo', 'Ground ice')
    """
    return {"ndvi": "NDVI", "swir_albedo": "SWIR albedo"}.get(name, name.replace("_", " ").capitalize())


def _p_text(p: float) -> str:
    if not np.isfinite(p):
        return "p unknown"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
