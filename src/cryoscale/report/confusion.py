"""How maps of classes agree with others: confusion matrices, and kappas with their intervals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from cmcrameri import cm
from matplotlib.axes import Axes

from cryoscale.report.canvas import ACCENT, FAINT, INK, new_axes, open_frame, set_title
from cryoscale.report.html import Table
from cryoscale.report.labels import number_text
from cryoscale.report.palette import class_label
from cryoscale.report.panels import new_panels
from cryoscale.stats.confusion import Confusion

RIVAL = "#5d6b78"
_COLUMNS = 3  # matrices in a row


@dataclass(frozen=True, slots=True)
class Agreement:
    """A map of classes compared with a reference.

    Attributes
    ----------
    map_name, reference : str
        What is compared.
    confusion : stats.Confusion
        With the reference as what is observed.
    interval : tuple of float or None
        95 % interval of kappa, such as that of blocks (`stats.kappa_interval`); None for that of independent pixels.
    """

    map_name: str
    reference: str
    confusion: Confusion
    interval: tuple[float, float] | None = None

    @property
    def kappa_text(self) -> str:
        """Kappa to two digits."""
        return number_text(self.confusion.kappa, decimals=2)

    @property
    def ends(self) -> tuple[float, float]:
        """Of the interval."""
        return self.interval or self.confusion.kappa_interval

    @property
    def interval_text(self) -> str:
        """The interval to two digits."""
        return " to ".join(number_text(end, decimals=2) for end in self.ends)


def confusion_figure(agreements: Sequence[Agreement]) -> Axes:
    """Draw the confusion matrix of every map with every reference.

    Parameters
    ----------
    agreements : sequence of Agreement
        In the order shown.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel's. A cell has its count, and the share in per cent of the observed class (its column), which
        is also its colour. Classes that are in neither map are left out.
    """
    columns = min(_COLUMNS, len(agreements))
    rows = ceil(len(agreements) / columns)
    classes = max(len(_occurring(agreement.confusion.matrix)) for agreement in agreements)
    panels = new_panels(rows, columns, width=(1.2 * classes + 0.9) * columns, height=(0.7 * classes + 1.6) * rows)
    for axes, agreement in zip(panels, agreements, strict=False):
        _draw_matrix(axes, agreement)
    for axes in panels[len(agreements) :]:
        axes.set_axis_off()
    return panels[0]


def kappa_plot(agreements: Sequence[Agreement], *, title: str | None = None) -> Axes:
    """Draw the kappa of every map with its 95 % confidence interval, grouped by reference.

    Parameters
    ----------
    agreements : sequence of Agreement
        The map of the first one is ours, the others are its rivals.
    title : str, optional
        Above the plot.

    Returns
    -------
    matplotlib.axes.Axes
        Ours is filled, its rivals are hollow.
    """
    references = list(dict.fromkeys(agreement.reference for agreement in agreements))
    ordered = sorted(agreements, key=lambda agreement: references.index(agreement.reference))
    places = [place + 0.7 * references.index(agreement.reference) for place, agreement in enumerate(ordered)]
    axes = new_axes(6.4, 0.7 + 0.3 * (places[-1] + 2))
    open_frame(axes)
    axes.grid(axis="y", visible=False)
    for place, agreement in zip(places, ordered, strict=True):
        _draw_kappa(axes, place, agreement, ours=agreement.map_name == agreements[0].map_name)
    for reference in references:
        first = next(place for place, one in zip(places, ordered, strict=True) if one.reference == reference)
        style: dict[str, Any] = {"fontsize": 8, "style": "italic", "color": INK, "va": "center"}
        axes.text(0.01, first - 0.62, f"against {reference}", transform=axes.get_yaxis_transform(), **style)
    axes.axvline(0.0, color=INK, linewidth=0.6, linestyle=":")
    axes.set_yticks(places, [agreement.map_name for agreement in ordered])
    axes.set(ylim=(places[-1] + 0.6, -1.1), xlim=(min(0.0, axes.get_xlim()[0]), 1.0))
    axes.set_xlabel("Cohen's kappa, with 95 % confidence interval", fontsize=8.5, color=INK)
    set_title(axes, title)
    return axes


def agreement_table(agreements: Sequence[Agreement]) -> Table:
    """All agreements in numbers.

    Parameters
    ----------
    agreements : sequence of Agreement
        In the order shown.

    Returns
    -------
    Table
        A row for each: map, reference, n, overall accuracy, kappa and the interval of kappa.
    """
    rows = [
        (
            one.map_name,
            one.reference,
            f"{one.confusion.n:,}",
            f"{one.confusion.overall_accuracy:.3f}",
            one.kappa_text,
            one.interval_text,
        )
        for one in agreements
    ]
    header = ("Map", "Reference", "n", "Overall accuracy", "Kappa", "95 % interval of kappa")
    return Table("Agreement with references", header, rows)


def _draw_matrix(axes: Axes, agreement: Agreement) -> None:
    matrix = _occurring(agreement.confusion.matrix)
    counts = matrix.to_numpy(float)
    totals = counts.sum(axis=0)
    shares = 100 * np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    axes.imshow(shares, cmap=cm.oslo_r, vmin=0, vmax=125, aspect="auto")  # the darkest would hide the text
    for (row, column), share in np.ndenumerate(shares):
        text = f"{counts[row, column]:,.0f}\n{share:.1f} %"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if share > 55 else INK)
    axes.set_xticks(range(matrix.shape[1]), _wrapped(matrix.columns))
    axes.set_yticks(range(matrix.shape[0]), _wrapped(matrix.index), rotation=90 if len(matrix) < 3 else 0, va="center")
    axes.tick_params(length=0)
    title = f"{agreement.map_name}\nagainst {agreement.reference}"
    axes.set_title(title, loc="left", fontsize=9, color=INK, weight="bold")
    scores = f"n = {agreement.confusion.n:,}, OA = {agreement.confusion.overall_accuracy:.2f}"
    kappa = f"κ = {agreement.kappa_text} ({agreement.interval_text})"
    axes.set_xlabel(f"Reference\n{scores}\n{kappa}", fontsize=8.5, color=INK)
    axes.set_ylabel("Map", fontsize=8.5, color=INK)


def _draw_kappa(axes: Axes, place: float, agreement: Agreement, *, ours: bool) -> None:
    colour = ACCENT if ours else RIVAL
    axes.axhline(place, color=FAINT, linewidth=0.5, zorder=0)
    axes.plot(agreement.ends, [place, place], color=colour, linewidth=1.6, solid_capstyle="butt")
    face = colour if ours else "white"
    axes.plot(agreement.confusion.kappa, place, "o", color=colour, markerfacecolor=face, markersize=6)
    text = f"{agreement.kappa_text} ({agreement.interval_text})"
    style: dict[str, Any] = {"fontsize": 8, "color": INK, "annotation_clip": False, "va": "center"}
    axes.annotate(text, (1.02, place), xycoords=axes.get_yaxis_transform(), **style)


def _occurring(matrix: pd.DataFrame) -> pd.DataFrame:
    """Without the classes that are neither predicted nor observed."""
    counts = matrix.to_numpy()
    seen = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    return matrix.iloc[seen, seen]


def _wrapped(names: Iterable[object]) -> list[str]:
    return [class_label(str(name)).replace(" frozen", "\nfrozen") for name in names]
