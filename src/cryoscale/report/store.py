"""What a store is and what it holds, for the report of any store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cryoscale.report.html import Section, Table
from cryoscale.report.labels import unit_text

WHOLE = "all values"
NOTHING = "–"
_CODES = ("land_cover", "vegetation_class", "ground_unit", "mine_work")
"""Classes that some stores hold without their names."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Values that stand for a variable.

    Attributes
    ----------
    array : xarray.DataArray
        In memory, with the variable's name and attributes.
    taken : str
        Which of the values these are; `WHOLE` if none was left out.
    hint : str
        What would make more of them be read; a sentence, or empty.
    """

    array: xr.DataArray
    taken: str = WHOLE
    hint: str = ""

    @property
    def remark(self) -> str:
        """What was left out, in a sentence; empty if nothing was."""
        return "" if self.taken == WHOLE else f"Figures and numbers are of a sample: {self.taken}. {self.hint}".strip()


def has_classes(array: xr.DataArray) -> bool:
    """Whether the numbers of a variable are names of classes.

    Parameters
    ----------
    array : xarray.DataArray
        Only its name, dtype and attributes are looked at.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_classes(xr.DataArray(True)), has_classes(xr.DataArray(1.0, name="velocity"))
    (True, False)
    """
    return "flag_values" in array.attrs or array.dtype.kind == "b" or array.name in _CODES


def heading(array: xr.DataArray) -> str:
    """What a variable is, as a heading.

    Parameters
    ----------
    array : xarray.DataArray
        With the attribute ``long_name``, or at least a name.

    Returns
    -------
    str

    Examples
    --------
    >>> heading(xr.DataArray(0.0, name="lapse_rate"))
    'Lapse rate'
    """
    name = str(array.attrs.get("long_name") or str(array.name).replace("_", " "))
    return name[:1].upper() + name[1:]


def short_number(value: float) -> str:
    """Four digits of a number, with a true minus sign; a dash for NaN.

    Parameters
    ----------
    value : float
        The number.

    Returns
    -------
    str

    Examples
    --------
    >>> short_number(-12.3456), short_number(28334.0), short_number(1.5e-7), short_number(float("nan"))
    ('−12.35', '28,330', '1.5e-07', '–')
    """
    if not np.isfinite(value):
        return NOTHING
    rounded = float(f"{value:.4g}") + 0.0  # no minus zero
    text = f"{rounded:,.0f}" if 1e4 <= abs(rounded) < 1e7 else f"{rounded:.4g}"
    return text.replace("-", "−", int(rounded < 0))


def valid_values(array: xr.DataArray) -> NDArray[np.float64]:
    """Values that are there: no NaN, and of classes not the one that says there is none.

    Parameters
    ----------
    array : xarray.DataArray
        Numbers, in memory.

    Returns
    -------
    ndarray, shape (n,)
    """
    values = np.asarray(array.values, float).ravel()
    meanings = str(array.attrs.get("flag_meanings", "")).split()
    if "no_data" in meanings:
        values = values[values != array.attrs["flag_values"][meanings.index("no_data")]]
    return np.asarray(values[np.isfinite(values)])


def variables_table(samples: Mapping[str, Sample], words: Sequence[xr.DataArray] = ()) -> Table:
    """Every variable of a store in a row, with what its values are like.

    Parameters
    ----------
    samples : mapping of str to Sample
        Numbers, by name.
    words : sequence of xarray.DataArray
        Variables that hold none.

    Returns
    -------
    Table
        Classes have no minimum, median or maximum.

    Examples
    --------
    >>> rate = xr.DataArray([[-3.0, np.nan], [1.0, 2.0]], dims=("y", "x"), name="rate", attrs={"units": "mm a-1"})
    >>> variables_table({"rate": Sample(rate)}).rows
    [('rate', 'Rate', 'mm a⁻¹', 'y, x', 'float64', '75.0', '−3', '1', '2', 'all values')]
    """
    header = ("Name", "What it is", "Unit", "Dims", "Type", "Valid (%)", "Min", "Median", "Max", "Taken from")
    rows = [_row(sample) for sample in samples.values()]
    rows += [(*_names(array), *[NOTHING] * 5) for array in words]
    return Table("Variables", header, rows)


def store_section(
    facts: Mapping[str, str], *, faults: Sequence[str], missing: tuple[int, int], variables: Table
) -> Section:
    """What a store is, and whether it is whole and what its schema says.

    Parameters
    ----------
    facts : mapping of str to str
        What there is to know of it, by what it is about.
    faults : sequence of str
        All that its schema has against it, ``"variable: what"``; none of a sound and whole store.
    missing : tuple of int
        Chunks that are not there, and that there would be in all.
    variables : Table
        From `variables_table`.

    Returns
    -------
    Section
    """
    wrong = [fault.partition(": ") for fault in faults]
    tables = [Table("What is wrong", ("Where", "What"), [(where, what) for where, _, what in wrong])] if wrong else []
    about = Table("", ("", ""), list(facts.items()))
    return Section("The store", _state(faults, *missing), tables=[*tables, about, variables])


def _state(faults: Sequence[str], n_missing: int, n_chunks: int) -> str:
    if n_missing:
        return (
            f"This store is incomplete: {n_missing:,} of its {n_chunks:,} chunks ({100 * n_missing / n_chunks:.1f} %) "
            "are missing. A run is writing it, or was stopped; start the same run again, and it goes on there.\n\n"
            "Where chunks are missing, maps show no data (counts and classes 0), and all numbers here are of what is "
            "there."
        )
    if faults:
        return "No chunk of this store is missing, but it does not hold what its schema says."
    return "This store is complete: no chunk is missing, and it holds what its schema says."


def _names(array: xr.DataArray) -> tuple[str, ...]:
    kind = "text" if array.dtype.kind in "TUO" else str(array.dtype)
    dims = ", ".join(map(str, array.dims)) or NOTHING
    unit = unit_text(str(array.attrs.get("units", ""))) or NOTHING
    return str(array.name), heading(array), unit, dims, kind


def _row(sample: Sample) -> tuple[str, ...]:
    array = sample.array
    values = valid_values(array)
    share = f"{100 * values.size / array.size:.1f}" if array.size else NOTHING
    ends = [NOTHING] * 3
    if values.size and not has_classes(array):
        ends = [short_number(float(value)) for value in (values.min(), np.median(values), values.max())]
    return (*_names(array), share, *ends, sample.taken)
