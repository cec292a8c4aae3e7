"""Colours and markers that tell series apart, by place in a list."""

from itertools import cycle, islice

_COLOURS = ("#00486e", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a1c0e")
_MARKERS = "osD^vP"


def series_colours(count: int) -> list[str]:
    """Colours of series, told apart by the colour-blind too; they repeat after seven.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    list of str
        ``"#rrggbb"``.

    Examples
    --------
    >>> series_colours(2)
    ['#00486e', '#d55e00']
    """
    return list(islice(cycle(_COLOURS), count))


def series_markers(count: int) -> list[str]:
    """Markers of series; they repeat after six, so that 42 pairs of colour and marker differ.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    list of str

    Examples
    --------
    >>> series_markers(3)
    ['o', 's', 'D']
    """
    return list(islice(cycle(_MARKERS), count))
