"""Vertical sections through the ground: temperature at chosen times, permafrost and thaw bulb through the years."""

from collections.abc import Sequence
from math import ceil

import numpy as np
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from numpy.typing import NDArray

from cryoscale.errors import InputError
from cryoscale.report.canvas import ACCENT, INK, open_frame, set_title
from cryoscale.report.labels import label_of, number_text, with_unit
from cryoscale.report.markers import series_colours
from cryoscale.report.panels import new_panels

AIR = "#eef1f4"
_LEAST_SPAN = 2.0  # degC that the colours reach at least on either side of 0
_WIDTH, _HIGHEST, _LOWEST = 4.4, 5.0, 1.2  # of a panel, inches
_LINES = ("o", "s", "^", "D", "v")


def section_panels(
    run: xr.Dataset, times: Sequence[float], *, exaggeration: float = 1.0, columns: int = 2, title: str | None = None
) -> Axes:
    """Draw the temperature of a section at several times, with the 0 degC isotherm.

    Parameters
    ----------
    run : xarray.Dataset
        From `ground.simulate_section`, or of its form: ``section_temperature`` (time, z, x) with ``x_bounds`` and
        ``z_bounds``.
    times : sequence of float
        Years since the beginning; for each the nearest saved one is drawn, and named.
    exaggeration : float
        How many times heights are drawn longer than lengths; what is not 1 stands under the panels.
    columns : int
        Panels in a row.
    title : str, optional
        Before the time above each panel.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's. All have the same colours, which diverge from 0 degC; air is grey.

    Raises
    ------
    InputError
        If a time lies outside of the run, or the exaggeration is not positive.

    Examples
    --------
    >>> cold = np.array([[[np.nan, 1.0], [-1.0, -2.0]]])
    >>> bounds = {"x_bounds": (("x", "edge"), [[0, 10], [10, 20]]), "z_bounds": (("z", "edge"), [[0, -5], [-5, -10]])}
    >>> coords = {"time": [0.0], "z": [-2.5, -7.5], "x": [5.0, 15.0], **bounds}
    >>> run = xr.Dataset({"section_temperature": (("time", "z", "x"), cold)}, coords)
    >>> section_panels(run, [0.0], exaggeration=2.0).get_xlabel()
    'Distance (m), heights 2.0 times exaggerated'
    """
    if not exaggeration > 0:
        raise InputError(f"exaggeration: is {exaggeration:g}, but must be above 0. Give 1 for the true scale.")
    temperature = run["section_temperature"]
    shown = [_at_time(temperature, time) for time in times]
    reach = max(_LEAST_SPAN, float(max(np.abs(panel).max() for panel in shown)))
    x_edges, z_edges = (_edges(run, name) for name in ("x", "z"))
    panels = _panels(len(shown), columns, exaggeration * np.ptp(z_edges) / np.ptp(x_edges))
    meshes = [_draw(axes, panel, x_edges, z_edges, reach) for axes, panel in zip(panels, shown, strict=False)]
    for axes, panel in zip(panels, shown, strict=False):
        axes.set_aspect(exaggeration)
        when = f"{number_text(float(panel.time))} a"
        set_title(axes, f"{title}, {when}" if title else when)
        axes.set_xlabel(_distance_label(exaggeration), fontsize=8.5, color=INK)
        axes.set_ylabel("Elevation (m)", fontsize=8.5, color=INK)
        axes.label_outer()
    _shared_bar(panels[: len(shown)], meshes[0], label_of(temperature))
    return panels[0]


def section_history(run: xr.Dataset, places: Sequence[float], *, title: str | None = None) -> Axes:
    """Draw permafrost table, thaw bulb and frozen heap of a section through the years.

    Parameters
    ----------
    run : xarray.Dataset
        From `ground.simulate_section`: ``permafrost_table_depth`` and ``section_surface`` (year, x),
        ``thaw_bulb_area``, ``heap_area`` and ``heap_frozen_area`` (year,).
    places : sequence of float
        Distances along the section, m, whose table is drawn: that of the nearest column.
    title : str, optional
        Above the upper plot.

    Returns
    -------
    matplotlib.axes.Axes
        The upper plot's: elevation of the permafrost table, and thin that of the surface above it. Below it areas,
        those of a heap where there is one.

    Raises
    ------
    InputError
        If a place lies outside of the section.

    Examples
    --------
    >>> lines = {"permafrost_table_depth": [[1.0], [1.2]], "section_surface": [[0.0], [0.0]]}
    >>> areas = {name: ("year", [0.0, 0.0]) for name in ("thaw_bulb_area", "heap_area", "heap_frozen_area")}
    >>> run = xr.Dataset({name: (("year", "x"), values) for name, values in lines.items()} | areas)
    >>> run = run.assign_coords(year=[1, 2], x=[5.0], x_bounds=(("x", "edge"), [[0.0, 10.0]]))
    >>> [line.get_label() for line in section_history(run, [4.0]).get_lines()][0]
    'x = 5.0 m'
    """
    upper, lower = new_panels(2, 1, width=8.6, height=5.4)
    for axes in (upper, lower):
        open_frame(axes)
    edges = _edges(run, "x")
    for number, place in enumerate(places):
        if not edges[0] <= place <= edges[-1]:
            raise InputError(f"places: {place:g} m lies outside of the section, {edges[0]:g} to {edges[-1]:g} m.")
        _draw_table(upper, run.sel(x=place, method="nearest"), number)
    for name, label, colour in _AREAS:
        if name == "thaw_bulb_area" or (run["heap_area"] > 0).any():
            lower.plot(run.year, run[name], color=colour, linewidth=1.4, label=label)
    upper.set_ylabel("Elevation of the permafrost table (m)", fontsize=8.5, color=INK)
    lower.set_ylabel(with_unit("Area", run["thaw_bulb_area"]), fontsize=8.5, color=INK)
    lower.set_xlabel("Year", fontsize=8.5, color=INK)
    for axes in (upper, lower):
        axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.02))
    set_title(upper, title)
    return upper


_AREAS = (
    ("thaw_bulb_area", "thaw bulb", ACCENT),
    ("heap_frozen_area", "permafrost in the heap", "#3f7fbf"),
    ("heap_area", "heap", "#9aa5b1"),
)


def _draw_table(axes: Axes, column: xr.Dataset, number: int) -> None:
    colour = series_colours(number + 1)[number]
    axes.plot(
        column.year,
        column.section_surface - column.permafrost_table_depth,
        color=colour,
        marker=_LINES[number % len(_LINES)],
        markersize=2.8,
        linewidth=1.2,
        label=f"x = {number_text(float(column.x))} m",
    )
    axes.plot(column.year, column.section_surface, color=colour, linewidth=0.5)


def _at_time(temperature: xr.DataArray, time: float) -> xr.DataArray:
    first, last = (float(temperature.time[end]) for end in (0, -1))
    if not first <= time <= last:
        raise InputError(f"times: {time:g} a lies outside of the saved times, {first:g} to {last:g} a.")
    return temperature.sel(time=time, method="nearest").compute()


def _edges(run: xr.Dataset, name: str) -> NDArray[np.float64]:
    bounds = np.asarray(run[f"{name}_bounds"], float)
    return np.append(bounds[:, 0], bounds[-1, 1])


def _panels(n_panels: int, columns: int, shape: float) -> list[Axes]:
    columns = min(columns, n_panels)
    rows = ceil(n_panels / columns)
    height = float(np.clip(_WIDTH * shape, _LOWEST, _HIGHEST))
    panels = new_panels(rows, columns, width=columns * _WIDTH + 1.2, height=rows * (height + 0.5) + 0.3)
    for axes in panels[n_panels:]:
        axes.set_axis_off()
    return panels


def _draw(
    axes: Axes, panel: xr.DataArray, x_edges: NDArray[np.float64], z_edges: NDArray[np.float64], reach: float
) -> QuadMesh:
    values = np.ma.masked_invalid(panel.transpose("z", "x").values)
    axes.set_facecolor(AIR)
    mesh = axes.pcolormesh(x_edges, z_edges, values, cmap=cm.vik, vmin=-reach, vmax=reach, rasterized=True)
    if values.min() < 0 < values.max() and min(values.shape) > 1:
        axes.contour(panel.x.values, panel.z.values, values, levels=[0.0], colors=INK, linewidths=1.1)
    surface = z_edges[(~np.ma.getmaskarray(values)).argmax(axis=0)]
    axes.stairs(surface, x_edges, baseline=None, color=INK, linewidth=0.8)
    return mesh


def _distance_label(exaggeration: float) -> str:
    return "Distance (m)" if exaggeration == 1 else f"Distance (m), heights {exaggeration:.1f} times exaggerated"


def _shared_bar(panels: Sequence[Axes], mesh: QuadMesh, label: str) -> None:
    figure = panels[0].get_figure(root=True)
    if figure is None:
        raise ValueError("axes: have been removed from their figure")
    bar = figure.colorbar(mesh, ax=panels, fraction=0.03, pad=0.01, aspect=30)
    bar.set_label(label, fontsize=8.5, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK, width=0.6)
    bar.outline.set(linewidth=0.6, edgecolor=INK)
