"""Stores without maps: one variable against its last dim, the others chosen."""

from bokeh.layouts import column, row
from bokeh.models import Column, Div, Row, Select

from cryoscale.viewer.addresses import link
from cryoscale.viewer.changes import when_changed
from cryoscale.viewer.figures import series_figures
from cryoscale.viewer.map_panel import WRAP, choices, heading, notice
from cryoscale.viewer.series import Series, read_series
from cryoscale.viewer.source import Source, entry_labels


class TablePanel:
    """Curves of one store.

    Parameters
    ----------
    source : Source
        The store; it holds no maps.
    number : int
        Its place among the stores of the page.
    name : str
        What it is called there.
    """

    def __init__(self, source: Source, number: int, *, name: str) -> None:
        self._source, self._number, self._name = source, number, name
        names = choices(source, source.curves)
        first = names[0][0] if names else ""
        self._names = Select(title="Variable", name=f"variable-{number}", options=names, value=first, width=420)
        self._chosen: dict[str, Select] = {}
        self._selects = Row()
        self._plots = column(sizing_mode="stretch_width", name=f"plots-{number}")
        when_changed(self._names, "value", act=self._choose)
        self._choose()

    @property
    def model(self) -> Column:
        """What goes onto the page."""
        return column(
            heading(self._source, self._name),
            row(self._names, self._selects, styles=WRAP),
            self._plots,
            sizing_mode="stretch_width",
        )

    def _choose(self) -> None:
        """A choice for every dim of the variable but its last."""
        if not self._names.value:
            self._plots.children = [notice("This store holds no numbers to plot.")]
            return
        dims = [str(dim) for dim in self._source.data[self._names.value].dims[:-1]]
        self._chosen = {dim: self._select(dim) for dim in dims}
        self._selects.children = list(self._chosen.values())
        self._draw()

    def _select(self, dim: str) -> Select:
        options = [(str(i), label) for i, label in enumerate(entry_labels(self._source.data, dim))]
        select = Select(title=dim.capitalize(), options=options, value="0", width=160, name=f"{dim}-{self._number}")
        when_changed(select, "value", act=self._draw)
        return select

    def _draw(self) -> None:
        at = {dim: int(select.value) for dim, select in self._chosen.items()}
        name = self._names.value
        query = {"store": self._number, "name": name} | {f"at_{dim}": i for dim, i in at.items()}
        series: Series = read_series(self._source, name, at)
        saved = Div(text=f"Save: {link('series.csv', 'this series as CSV', query)}")
        self._plots.children = [*series_figures([(self._name, series)], height=420), saved]
