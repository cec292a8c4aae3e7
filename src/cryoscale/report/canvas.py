"""Paper to draw on: figures that belong to nobody's global state, and their PNGs."""

import io
from pathlib import Path
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure

INK = "#1f2933"
FAINT = "#d5dae0"
ACCENT = "#b5452c"
GAP = "#f3ddd7"
RESOLUTION = 200
"""Dots per inch of every figure."""
_LETTER = 0.066  # inches that a letter of a label takes
_SHORTEST = 20  # letters in a line


def new_axes(width: float, height: float) -> Axes:
    """Axes on a figure of their own, in the style of the report.

    Parameters
    ----------
    width, height : float
        Of the figure, inches.

    Returns
    -------
    matplotlib.axes.Axes
        Not known to pyplot: nothing to close, safe in any thread.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.tick_params(labelsize=8, colors=INK, width=0.6)
    axes.spines[:].set(color=INK, linewidth=0.6)
    return axes


def open_frame(axes: Axes) -> None:
    """Leave the frame open at top and right, with faint grid lines behind the data.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Of a plot against two quantities.
    """
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def set_title(axes: Axes, title: str | None) -> None:
    """Set a title at the left, where there is one.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The axes.
    title : str or None
        The title.
    """
    if title:
        axes.set_title(title, loc="left", fontsize=10, color=INK, weight="bold")


def add_colour_bar(axes: Axes, mappable: ScalarMappable, label: str, *, extend: str = "neither") -> Colorbar:
    """Put a colour bar beside axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        What it explains.
    mappable : matplotlib.cm.ScalarMappable
        The image, the arcs or the cells.
    label : str
        Quantity and unit; over several lines if it is longer than the figure is high.
    extend : str
        Which ends are pointed: ``"neither"``, ``"min"``, ``"max"`` or ``"both"``.

    Returns
    -------
    matplotlib.colorbar.Colorbar
    """
    figure = _figure_of(axes)
    bar = figure.colorbar(mappable, ax=axes, extend=extend, fraction=0.046, pad=0.02, aspect=28)
    bar.set_label(fill(label, max(int((figure.get_figheight() - 0.6) / _LETTER), _SHORTEST)), fontsize=8.5, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK, width=0.6)
    bar.outline.set(linewidth=0.6, edgecolor=INK)
    return bar


def figure_png(axes: Axes) -> bytes:
    """Encode the figure that axes are on as PNG; the same figure gives the same bytes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Any of the figure's.

    Returns
    -------
    bytes

    Examples
    --------
    >>> figure_png(new_axes(2, 1))[1:4]
    b'PNG'
    """
    buffer = io.BytesIO()
    figure = _figure_of(axes)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout of a figure drawn again would move a little
    figure.savefig(
        buffer, format="png", dpi=RESOLUTION, bbox_inches="tight", pad_inches=0.06, metadata={"Software": None}
    )
    return buffer.getvalue()


def save_png(axes: Axes, path: str | Path) -> Path:
    """Write the figure that axes are on to a PNG file.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Any of the figure's.
    path : str or pathlib.Path
        The file.

    Returns
    -------
    pathlib.Path
        The file.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(figure_png(axes))
    return target


def _figure_of(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("axes: have been removed from their figure")
    return figure
