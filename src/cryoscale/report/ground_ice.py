"""Sections of the report on ground ice, before and after mining."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from cmcrameri import cm
from matplotlib.axes import Axes

from cryoscale.report.canvas import ACCENT, INK, figure_png, new_axes, open_frame, set_title
from cryoscale.report.classes import class_map
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.maps import decimated, map_figure
from cryoscale.report.palette import class_label
from cryoscale.report.permafrost_maps import quantity_maps

_MILLION = 1e3  # of a km3: 10^6 m3
_BOUNDS = ("ice_low_km3", "ice_high_km3")


def ground_ice_section(
    layers: xr.Dataset,
    *,
    cells: pd.DataFrame,
    units: pd.DataFrame,
    by_layer: pd.DataFrame,
    total: "pd.Series[float]",
    unknown_area_km2: float,
    confidence: float,
) -> Section:
    """Ground ice before mining by unit and layer, with intervals.

    Parameters
    ----------
    layers : xarray.Dataset
        ``total_ground_ice_volume`` and ``ground_unit``; lazy or not.
    cells, units, by_layer, total
        Of `ground.IceVolumes`; `by_layer` are its ``layers``.
    unknown_area_km2 : float
        Permafrost without a thickness or a unit.
    confidence : float
        Of the intervals.

    Returns
    -------
    Section
    """
    few = decimated(layers[["total_ground_ice_volume", "ground_unit"]]).compute()
    pictures = [
        _picture(map_figure(few.total_ground_ice_volume, title="Ground ice before mining"), _SLAB),
        _picture(ice_plot(cells, units, title="Ice by unit and layer"), _BARS.format(100 * confidence)),
    ]
    if "flag_meanings" in few.ground_unit.attrs:
        pictures.insert(1, _picture(class_map(few.ground_unit, title="Units"), "Geomorphic and sedimentary units."))
    text = (
        f"{total['ice_km3'] * _MILLION:.2f} million m³ of ice ({100 * confidence:.0f} % interval "
        f"{total['ice_low_km3'] * _MILLION:.2f} to {total['ice_high_km3'] * _MILLION:.2f}), which melt to "
        f"{total['water_km3'] * _MILLION:.2f} million m³ of water, in {total['area_km2']:.2f} km² of permafrost."
    )
    if unknown_area_km2 > 0:
        text += f" {unknown_area_km2:.2f} km² of permafrost have no unit or no active layer and do not count."
    rows_of = {"Unit": units.assign(what=units["name"]), "Layer": by_layer.assign(what=by_layer["layer"])}
    tables = [_sum_table(f"Ice by {what.lower()}", what, rows, confidence) for what, rows in rows_of.items()]
    return Section("Ground ice before mining", text, figures=pictures, tables=[*tables, _cell_table(cells, confidence)])


_SLAB = "Volume of ice per area in the metres below the permafrost table. Grey: no data."
_BARS = "Stacked: layers below the permafrost table. Bars: {:.0f} % interval of each unit."


def ice_plot(cells: pd.DataFrame, units: pd.DataFrame, *, title: str | None = None) -> Axes:
    """Draw the ice of each unit by layer, with the interval of the unit.

    Parameters
    ----------
    cells : pandas.DataFrame
        ``unit``, ``layer``, ``ice_km3``.
    units : pandas.DataFrame
        ``unit``, ``name``, ``ice_km3``, ``ice_low_km3``, ``ice_high_km3``.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        In million m3.
    """
    axes = new_axes(1.6 + 0.75 * len(units), 3.4)
    open_frame(axes)
    axes.grid(axis="x", visible=False)
    wide = cells.pivot_table(index="unit", columns="layer", values="ice_km3", sort=False).reindex(units["unit"])
    places, base = np.arange(len(units)), np.zeros(len(units))
    colours = cm.devon_r(np.linspace(0.25, 0.8, max(wide.shape[1], 2)))
    for colour, (layer, ice) in zip(colours, wide.items(), strict=False):
        height = ice.fillna(0.0).to_numpy() * _MILLION
        axes.bar(places, height, 0.62, bottom=base, color=colour, edgecolor=INK, linewidth=0.4, label=str(layer))
        base = base + height
    low, high = (np.abs(units[name].to_numpy() - units["ice_km3"].to_numpy()) * _MILLION for name in _BOUNDS)
    axes.errorbar(places, base, yerr=[low, high], fmt="none", ecolor=ACCENT, elinewidth=1.4, capsize=3)
    axes.set_xticks(places, [class_label(str(name)).replace(" ", "\n") for name in units["name"]])
    axes.set_ylabel("Ice (million m³)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    set_title(axes, title)
    return axes


def ice_change_section(
    layers: xr.Dataset,
    *,
    by_work: pd.DataFrame,
    lost: "pd.Series[float]",
    confidence: float,
    own_table: bool,
    window: Mapping[str, slice],
) -> Section:
    """Ground ice after mining, and its change by pit and heap.

    Parameters
    ----------
    layers : xarray.Dataset
        ``total_ground_ice_volume`` after mining and ``total_ground_ice_volume_change``; lazy or not.
    by_work : pandas.DataFrame
        ``name``, ``kind``, ``area_km2``, ``before_km3``, ``lost_km3``, ``after_km3``, ``change_km3``.
    lost : pandas.Series
        Of the ice that there was, dug out or thawed: ``ice_km3`` and its bounds.
    confidence : float
        Of the bounds.
    own_table : bool
        Whether ice after mining is that of the mine's own boreholes.
    window : mapping of str to slice
        Rows and columns around the pits and heaps.

    Returns
    -------
    Section
    """
    names = ["total_ground_ice_volume", "total_ground_ice_volume_change"]
    few = decimated(layers[names].isel(window)).compute()
    maps = {"Ice after mining": few[names[0]], "Change": few[names[1]]}
    pictures = [
        _picture(quantity_maps(maps), "Per area, around the pits and heaps. Red: ice is lost.", wide=True),
        _picture(loss_plot(by_work, title="Ice of pits and heaps"), "Before mining, and what is left or found after."),
    ]
    text = (
        f"Of the ice that there was, {lost['ice_km3'] * _MILLION:.3f} million m³ have been dug out or have thawed "
        f"({100 * confidence:.0f} % interval {lost['ice_low_km3'] * _MILLION:.3f} to "
        f"{lost['ice_high_km3'] * _MILLION:.3f}, of ice contents alone).\n\n"
    )
    text += _OWN if own_table else _LEFT
    header = ("Name", "Kind", "Area (km²)", "Before", "Lost", "After", "Change")
    columns = ("before_km3", "lost_km3", "after_km3", "change_km3")
    rows = [
        (row["name"], row["kind"], f"{row['area_km2']:.4f}", *(f"{_MILLION * row[name]:.4f}" for name in columns))
        for row in by_work.to_dict("records")
    ]
    sums = by_work[["area_km2", *columns]].sum()
    numbers = [f"{_MILLION * sums[name]:.4f}" for name in columns]
    rows.append(("All", "", f"{sums['area_km2']:.4f}", *numbers))
    table = Table("Ice of pits and heaps (million m³)", header, rows)
    return Section("Ground ice after mining", text, figures=pictures, tables=[table])


_OWN = (
    "Ice after mining is that in the same number of metres below the new permafrost table, by the mine's own "
    "boreholes; so change is no loss alone."
)
_LEFT = (
    "Ice after mining is what is left of that before: without what was dug out, and what lies above the permafrost "
    "table now. Ice that forms in heaps and backfill does not count, as no boreholes of the mine are given."
)


def loss_plot(by_work: pd.DataFrame, *, title: str | None = None) -> Axes:
    """Draw the ice of each pit and heap before and after mining.

    Parameters
    ----------
    by_work : pandas.DataFrame
        ``name``, ``before_km3``, ``after_km3``.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        In million m3.
    """
    axes = new_axes(1.8 + 0.5 * len(by_work), 3.2)
    open_frame(axes)
    axes.grid(axis="x", visible=False)
    places = np.arange(len(by_work))
    for shift, name, label, colour in (
        (-0.2, "before_km3", "before", "#9fb8d0"),
        (0.2, "after_km3", "after", "#2b5b84"),
    ):
        axes.bar(places + shift, by_work[name] * _MILLION, 0.38, color=colour, label=label)
    axes.set_xticks(places, by_work["name"].astype(str))
    axes.set_ylabel("Ice (million m³)", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    set_title(axes, title)
    return axes


def _sum_table(title: str, what: str, rows: pd.DataFrame, confidence: float) -> Table:
    bounds = f"{100 * confidence:.0f} %"
    cells = [
        (
            class_label(str(row["what"])),
            f"{row['area_km2']:.3f}",
            f"{row['ground_km3'] * _MILLION:.3f}",
            f"{row['ice_km3'] * _MILLION:.3f}",
            f"{row['ice_low_km3'] * _MILLION:.3f}",
            f"{row['ice_high_km3'] * _MILLION:.3f}",
            f"{row['water_km3'] * _MILLION:.3f}",
        )
        for row in rows.to_dict("records")
    ]
    header = (what, "Area (km²)", "Ground", "Ice", f"{bounds} from", "to", "Water")
    return Table(f"{title} (million m³)", header, cells)


def _cell_table(cells: pd.DataFrame, confidence: float) -> Table:
    bounds = f"{100 * confidence:.0f} %"
    rows = [
        (
            class_label(str(row["name"])),
            str(row["layer"]),
            f"{row['ice_content']:.3f}",
            f"{row['standard_error']:.3f}",
            f"{row['ice_km3'] * _MILLION:.3f}",
            f"{row['ice_low_km3'] * _MILLION:.3f}",
            f"{row['ice_high_km3'] * _MILLION:.3f}",
        )
        for row in cells.to_dict("records")
    ]
    header = ("Unit", "Layer", "Ice content (m³ m⁻³)", "Its standard error", "Ice", f"{bounds} from", "to")
    return Table("Ice by unit and layer (million m³)", header, rows)


def _picture(axes: Axes, caption: str, *, wide: bool = False) -> Picture:
    return Picture(figure_png(axes), caption, wide=wide)
