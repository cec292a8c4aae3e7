"""Figures and tables of what was done before the inversion: screening, troposphere, constraint."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from cryoscale.report.canvas import INK, figure_png, new_axes, open_frame, set_title
from cryoscale.report.html import Picture, Section, Table
from cryoscale.report.maps import map_figure
from cryoscale.report.series import _date_axis
from cryoscale.stats import CdfTransfer

_COLOURS = {0: "#0072b2", 1: "#e69f00", 2: "#999999", 3: "#cc79a7", 4: "#d55e00"}
"""Of verdicts; the palette of Okabe and Ito, which the colour-blind tell apart."""


class Constraint(Protocol):
    """What the inversion was held to, and where it comes from."""

    @property
    def velocity(self) -> xr.DataArray:
        """(y, x) what the inversion is held to, mm a-1."""

    @property
    def given(self) -> xr.DataArray:
        """(y, x) the other sensor's rate, mm a-1."""

    @property
    def transfer(self) -> CdfTransfer:
        """From the free velocity to the other sensor's rate."""


def summary_table(verdicts: Iterable[str]) -> Table:
    """How many pairs are in, and how many are out for which reason.

    Parameters
    ----------
    verdicts : iterable of str
        One for each pair; empty for those that are in.

    Returns
    -------
    Table

    Examples
    --------
    >>> summary_table(["", "", "dropped for its closure"]).rows
    [('kept', '2'), ('dropped for its closure', '1')]
    """
    counts = Counter(verdict or "kept" for verdict in map(str, verdicts))
    return Table("Interferograms", ("Verdict", "Pairs"), [(name, str(n)) for name, n in counts.most_common()])


def corrections_section(pairs: xr.Dataset, loops: xr.Dataset, constraint: Constraint | None) -> Section:
    """What was done to the phases before the inversion.

    Parameters
    ----------
    pairs : xarray.Dataset
        (pair) ``verdict`` where the network was screened, ``deviation_before`` and ``deviation_after`` where the
        troposphere was corrected; with ``reference`` and ``secondary``.
    loops : xarray.Dataset
        (triplet) ``closure_rms`` and ``closure_verdict``; may be empty.
    constraint : Constraint or None
        What the inversion was held to.

    Returns
    -------
    Section
    """
    pictures, tables = [], []
    if "verdict" in pairs:
        pictures.append(Picture(figure_png(verdict_plot(pairs)), "Pairs that were kept and dropped, and why.", True))
    if loops:
        tables.append(_closure_table(loops))
    if "deviation_before" in pairs:
        tables.append(_delay_table(pairs))
    if constraint is not None:
        pictures.extend(_constraint_pictures(constraint))
    text = "What was done to the phases between the files and the inversion."
    return Section("Corrections", text, figures=pictures, tables=tables)


def verdict_plot(pairs: xr.Dataset) -> Axes:
    """The network in time, every pair in the colour of its verdict.

    Parameters
    ----------
    pairs : xarray.Dataset
        (pair) ``verdict`` with its CF flags, ``reference``, ``secondary``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    axes = new_axes(width=10.0, height=3.2)
    open_frame(axes)
    days = (pairs.secondary - pairs.reference) / np.timedelta64(1, "D")
    meanings = str(pairs.verdict.attrs["flag_meanings"]).split()
    for code, meaning in enumerate(meanings):
        which = pairs.verdict.values == code
        if which.any():
            spans = np.stack([pairs.reference.values[which], pairs.secondary.values[which]])
            apart = np.arange(which.size)[which] % 7 - 3  # pairs of the same span would hide one another
            heights = np.stack([days.values[which] + apart] * 2)
            lines = axes.plot(spans, heights, color=_COLOURS[code], lw=1.2, alpha=0.8, zorder=2 + code)
            lines[0].set_label(f"{meaning.replace('_', ' ')} ({which.sum()})")
    _date_axis(axes)
    axes.set_ylabel("Time between acquisitions (d)", fontsize=8.5, color=INK)
    set_title(axes, "Network after screening")
    legend: dict[str, Any] = {"fontsize": 8, "frameon": False, "labelcolor": INK, "ncols": len(meanings)}
    axes.legend(loc="lower right", bbox_to_anchor=(1.01, 0.98), **legend)
    return axes


def _closure_table(loops: xr.Dataset) -> Table:
    """The worst loops first."""
    order = np.argsort(-np.nan_to_num(loops.closure_rms.values))[:20]
    meanings = str(loops.closure_verdict.attrs["flag_meanings"]).split()
    dates = [[str(np.datetime64(day, "D")) for day in loops[name].values] for name in ("first", "second", "third")]
    rows = [
        (*(day[i] for day in dates), f"{float(loops.closure_rms[i]):.2f}", meanings[int(loops.closure_verdict[i])])
        for i in order
    ]
    n_bad = int((loops.closure_verdict == 1).sum())
    title = f"Loops with the largest closure, of {loops.sizes['triplet']}, {n_bad} of them bad"
    return Table(title, ("First", "Second", "Third", "RMS (rad)", "Verdict"), rows)


def _delay_table(pairs: xr.Dataset) -> Table:
    before, after = pairs.deviation_before, pairs.deviation_after
    rows = [
        ("mean standard deviation of the phase before (rad)", f"{float(before.mean()):.2f}"),
        ("after (rad)", f"{float(after.mean()):.2f}"),
        ("pairs that it helps", f"{int((after < before).sum())} of {before.size}"),
    ]
    return Table("Troposphere", ("What", "Figure"), rows)


def _constraint_pictures(constraint: Constraint) -> Iterable[Picture]:
    transfer = constraint.transfer
    axes = new_axes(width=5.0, height=4.0)
    axes.plot(transfer.source, transfer.levels, color="#d55e00", label="free inversion")
    axes.plot(transfer.reference, transfer.levels, color="#0072b2", label="given rate")
    open_frame(axes)
    axes.set_xlabel("Line-of-sight velocity (mm a⁻¹)", fontsize=8.5, color=INK)
    axes.set_ylabel("Cumulative share of the overlap", fontsize=8.5, color=INK)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left")
    yield Picture(figure_png(axes), f"Distributions over the overlap of {transfer.count} pixels.")
    for array, title in (
        (constraint.given, "Given rate"),
        (constraint.velocity, "Velocity that the inversion is held to"),
    ):
        yield Picture(figure_png(map_figure(array, title=title, centred=True)), title + ".")


def seasons_section(seasons: xr.Dataset) -> Section:
    """Thaw seasons in maps and figures.

    Parameters
    ----------
    seasons : xarray.Dataset
        Of the second pass: ``thaw_season_deformation`` (year, y, x), ``mean_thaw_season_deformation``.

    Returns
    -------
    Section
    """
    yearly = seasons.thaw_season_deformation
    means, spreads = yearly.mean(["y", "x"]).compute(), yearly.std(["y", "x"]).compute()
    rows = [
        (str(int(year)), f"{float(mean):.1f}", f"{float(spread):.1f}")
        for year, mean, spread in zip(yearly.year.values, means, spreads, strict=True)
    ]
    table = Table("Thaw-season deformation (mm)", ("Year", "Mean over the area", "Spread over the area"), rows)
    axes = map_figure(seasons.mean_thaw_season_deformation, title="Mean thaw-season deformation", centred=True)
    picture = Picture(figure_png(axes), "Change of the series from the onset to the end of thaw, its trend taken off.")
    return Section("Thaw seasons", "Negative where the ground sinks in summer.", figures=[picture], tables=[table])
