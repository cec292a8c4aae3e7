"""Acting on changes of the page's models."""

from collections.abc import Callable

from bokeh.model import Model


def when_changed(model: Model, *names: str, act: Callable[[], object]) -> None:
    """Act whenever one of a model's properties has changed.

    Parameters
    ----------
    model : bokeh.model.Model
        A control, a range.
    names : str
        Its properties.
    act : callable
        Takes nothing: what has changed is read where it is needed.
    """

    def changed(_attr: str, _old: object, _new: object) -> None:
        act()

    for name in names:
        model.on_change(name, changed)
