"""One entry of the registry of variables."""

from dataclasses import dataclass

PAIRS = ("pair", "y", "x")
SERIES = ("time", "y", "x")
YEARS = ("year", "y", "x")
MAP = ("y", "x")


@dataclass(frozen=True, slots=True)
class Variable:
    """One entry of the registry.

    Attributes
    ----------
    name : str
        The name in every Dataset and store.
    units : str
        Unit in UDUNITS notation; ``"1"`` for a pure number.
    long_name : str
        What a figure's axis says.
    dims : tuple of str
        Dims, slowest first.
    dtype : str
        NumPy name of the type it is stored in.
    standard_name : str or None
        CF standard name, where one exists.
    valid_range : tuple of float or None
        Smallest and largest value that can be true.
    flags : tuple of tuple or None
        Of a classification, each value with its meaning (one word, underscores between its parts).
    """

    name: str
    units: str
    long_name: str
    dims: tuple[str, ...]
    dtype: str = "float32"
    standard_name: str | None = None
    valid_range: tuple[float, float] | None = None
    flags: tuple[tuple[int, str], ...] | None = None
