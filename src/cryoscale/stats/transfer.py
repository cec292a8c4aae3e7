"""The transfer of CDF matching: a small estimator, kept beside what it made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
import xarray as xr

from cryoscale.errors import InputError
from cryoscale.stats._piecewise import interpolate

Values = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class CdfTransfer:
    """A transfer from one distribution to another, y = F_ref^-1(F_src(x)): small, to be kept beside what it made.

    Between the levels it is linear; below the first and above the last it follows a straight line through the outer
    quantile, with the slope that least squares give to the tail's sorted values (Moesinger et al. 2020, ESSD 12,
    177), of which a hundred quantiles are taken: with many values the most extreme ones do not count. The line goes on
    beyond all values that it was fitted to. The transfer never decreases. A source value that spans several levels (a
    tie) goes to the mean of their reference quantiles. Where a tail has no width in the source its line has slope 1:
    differences stay what they are.

    Attributes
    ----------
    levels : tuple of float
        Between 0 and 1, increasing.
    source, reference : tuple of float
        Quantiles at these levels of the two, over the positions where both have a value.
    slopes : tuple of float
        Of the lower and of the upper tail.
    count : int
        Number of positions that it was fitted to.
    units : str or None
        Of the values.

    Examples
    --------
    >>> transfer = CdfTransfer(levels=(0.25, 0.75), source=(0.0, 1.0), reference=(0.0, 2.0), slopes=(1.0, 3.0), count=9)
    >>> transfer(xr.DataArray([-1.0, 0.5, 2.0])).values
    array([-1.,  1.,  5.])
    """

    levels: tuple[float, ...]
    source: tuple[float, ...]
    reference: tuple[float, ...]
    slopes: tuple[float, float]
    count: int
    units: str | None = None

    def __call__(self, source: xr.DataArray) -> xr.DataArray:
        """Map an array to the distribution of the reference.

        Parameters
        ----------
        source : xarray.DataArray
            Of any dims and size, in the unit that the transfer was fitted in.

        Returns
        -------
        xarray.DataArray
            Of the same dims, chunks and attributes, and of the same type where that is float32 or float64; NaN where
            `source` is not finite. Lazy where `source` is.

        Raises
        ------
        InputError
            If `source` is in another unit.
        """
        units = source.attrs.get("units", self.units)
        if self.units is not None and units != self.units:
            raise InputError(
                f"{source.name or 'source'}: is in {units!r}, but the CDF transfer was fitted in {self.units!r}. "
                "Convert the values and set attrs['units']."
            )
        x, y, _ = self._knots()
        dtype = source.dtype if source.dtype in (np.float32, np.float64) else np.dtype(np.float64)
        matched: xr.DataArray = xr.apply_ufunc(
            interpolate,
            source.astype(dtype, copy=False),
            kwargs={"x": x, "y": y, "slopes": self.slopes},
            dask="parallelized",
            output_dtypes=[dtype],
            keep_attrs=True,
        )
        return matched

    @property
    def error_bound(self) -> float:
        """Largest possible deviation from the mapping by all ranks, between the first and the last level.

        The quantiles are exact, so what remains is the linear course between them: a value of rank p and its image
        are between the same two levels, whose reference quantiles differ by at most this. Rounding to the type of the
        map comes on top.
        """
        _, _, first = self._knots()
        last = np.append(first[1:], len(self.levels)) - 1
        reference = np.asarray(self.reference)
        return float(np.max(reference[np.append(last[1:], last[-1])] - reference[first]))

    def _knots(self) -> tuple[Values, Values, Values]:
        """Different source quantiles, mean reference quantile of each, and the first level of each."""
        x, first, counts = np.unique(self.source, return_index=True, return_counts=True)
        means = np.add.reduceat(np.asarray(self.reference), first) / counts
        return x, np.maximum.accumulate(means), first

    def to_dict(self) -> dict[str, Any]:
        """Numbers, strings and lists only: for JSON or the attributes of a store.

        Returns
        -------
        dict
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_dict` gave.

        Parameters
        ----------
        content : mapping
            As from JSON.

        Returns
        -------
        CdfTransfer

        Raises
        ------
        InputError
            If it is not the description of a transfer.
        """
        names = {field.name for field in fields(cls)}
        if set(content) != names:
            raise InputError(f"CDF transfer: has {sorted(content)}, but must have {sorted(names)}. Fit it anew.")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
        return cls(**values)
