"""Training samples from maps that do not fit in memory: the same pixels however the maps are cut into chunks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import dask
import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from dask.array.core import slices_from_chunks

from cryoscale.errors import InputError

Values = np.ndarray[Any, Any]

_STRATUM, _LOT = "stratum", "lot"
_FAN_IN = 8  # tables joined by one task: bounds the memory that samples take on the way


def stratified_sample(
    covariates: xr.Dataset, *, n: int, strata: xr.DataArray | None = None, seed: int = 0
) -> pd.DataFrame:
    """Draw pixels at random, as many from each stratum, among those where nothing is missing.

    A pixel's lot is a hash of its position and `seed` (the finaliser of SplitMix64; Steele et al. 2014, OOPSLA,
    453-472); the smallest lots of each stratum win. So the choice depends neither on chunks nor on the order of tasks,
    and a larger `n` adds pixels to the choice of a smaller one. Every chunk is read once and hands on at most `n`
    pixels a stratum. This computes.

    Parameters
    ----------
    covariates : xarray.Dataset
        Numbers, NumPy- or Dask-backed; variables may lack some of the dims, such as static ones among daily ones.
    n : int
        Samples wanted. A stratum that is too small for its share gives all it has, the others share what is left.
    strata : xarray.DataArray, optional
        Class of every pixel: numbers, NaN where none, of dims that `covariates` have. None: one stratum.
    seed : int
        Another seed draws other pixels.

    Returns
    -------
    pandas.DataFrame
        One row a pixel: the covariates (float64), ``stratum``, and the coordinate of each dim (its position where it
        has none); sorted by the index, which is the pixel's position in the whole array in C order with the dims in
        their order in `covariates`. Fewer than `n` rows where there are no more pixels.

    Raises
    ------
    InputError
        If `n` is below 1, `strata` has dims that `covariates` lack or other coordinates, there is no pixel without
        missing values, or a variable has a name that the table needs.

    Examples
    --------
    >>> grid = xr.Dataset({"elevation": (("y", "x"), np.arange(12.0).reshape(3, 4))})
    >>> sample = stratified_sample(grid, n=4, strata=xr.DataArray([0, 0, 1, 1], dims="x"), seed=1)
    >>> sample["stratum"].tolist().count(0.0), (sample["elevation"] == sample.index).all()
    (2, np.True_)
    """
    if n < 1:
        raise InputError(f"number of samples: must be 1 or more, not {n!r}.")
    dims = tuple(covariates.dims)
    taken = sorted({_STRATUM, _LOT, *map(str, dims)} & {str(name) for name in covariates.data_vars})
    if taken:
        raise InputError(f"covariates: a variable cannot be called {taken[0]!r} here. Rename it.")
    layers = _layers(covariates, strata)
    draw = _Draw(n, seed, tuple(covariates.sizes.values()))
    lazy = any(layer.chunks for layer in layers.values())
    table = (
        _lazy_draw(layers, draw)
        if lazy
        else draw.candidates({name: layer.values for name, layer in layers.items()}, (0,) * len(dims))
    )
    if table.empty:
        raise InputError("covariates: no pixel has a value in all of them and a stratum. Look for the one that is NaN.")
    return _with_places(_share_out(table, n), covariates)


def _layers(covariates: xr.Dataset, strata: xr.DataArray | None) -> dict[str, xr.DataArray]:
    """Covariates and strata, all of the same dims."""
    given = xr.DataArray(0.0) if strata is None else strata
    if not set(given.dims) <= set(covariates.dims):
        raise InputError(
            f"strata: has dims {tuple(given.dims)}, but covariates have only {tuple(covariates.dims)}. Reduce it first."
        )
    try:
        together = xr.align(*covariates.data_vars.values(), given, join="exact")
    except ValueError as error:
        raise InputError(f"strata: lie at other places than covariates. Resample them first ({error}).") from error
    names = [*map(str, covariates.data_vars), _STRATUM]
    whole = (layer.transpose(*covariates.dims) for layer in xr.broadcast(*together))
    return dict(zip(names, whole, strict=True))


@dataclass(frozen=True)
class _Draw:
    """At most `n` pixels of each stratum of an array of this shape, by the smallest lots."""

    n: int
    seed: int
    shape: tuple[int, ...]

    def candidates(self, blocks: Mapping[str, Values], start: Sequence[int]) -> pd.DataFrame:
        """Pixels of one chunk, which begins at `start`."""
        whole = np.logical_and.reduce([np.isfinite(block) for block in blocks.values()])
        inside = np.nonzero(whole)
        places = tuple(axis + first for axis, first in zip(inside, start, strict=True))
        positions = np.ravel_multi_index(places, self.shape)
        lots = _lots(positions, self.seed)
        drawn = self._smallest(lots, blocks[_STRATUM][inside])
        chosen = tuple(axis[drawn] for axis in inside)
        columns = {name: np.asarray(block[chosen], dtype=float) for name, block in blocks.items()}
        return pd.DataFrame({**columns, _LOT: lots[drawn]}, index=pd.Index(positions[drawn], name="position"))

    def join(self, tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """Candidates among those of several chunks."""
        table = pd.concat(tables)
        return table.iloc[self._smallest(table[_LOT].to_numpy(), table[_STRATUM].to_numpy())]

    def _smallest(self, lots: Values, strata: Values) -> Values:
        """Positions of the `n` smallest lots of every stratum, by stratum and lot."""
        order = np.lexsort((lots, strata))
        return order[_rank(strata[order]) < self.n]


def _lazy_draw(layers: Mapping[str, xr.DataArray], draw: _Draw) -> pd.DataFrame:
    """The draw from every chunk, joined a few tables at a time."""
    labels = tuple(range(len(draw.shape)))
    arrays = da.core.unify_chunks(*(item for x in layers.values() for item in (da.asarray(x.data), labels)))[1]
    starts = [tuple(part.start for part in block) for block in slices_from_chunks(arrays[0].chunks)]
    blocks = zip(*(array.to_delayed().ravel() for array in arrays), strict=True)
    candidates, join = dask.delayed(draw.candidates, pure=True), dask.delayed(draw.join, pure=True)
    tables = [candidates(dict(zip(layers, b, strict=True)), start) for b, start in zip(blocks, starts, strict=True)]
    while len(tables) > 1:
        tables = [join(tables[i : i + _FAN_IN]) for i in range(0, len(tables), _FAN_IN)]
    (table,) = dask.compute(tables[0])
    return cast(pd.DataFrame, table)


def _lots(positions: Values, seed: int) -> Values:
    """The number, uint64, that a position of an array draws."""
    golden = 0x9E3779B97F4A7C15
    with np.errstate(over="ignore"):
        z = positions.astype(np.uint64) * np.uint64(golden) + np.uint64((seed * 0xD1B54A32D192ED03 + golden) % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _rank(sorted_strata: Values) -> Values:
    """Place of every element among those of its stratum, from 0."""
    begins = np.flatnonzero(np.r_[True, sorted_strata[1:] != sorted_strata[:-1]][: sorted_strata.size])
    sizes = np.diff(np.r_[begins, sorted_strata.size])
    return np.arange(sorted_strata.size) - np.repeat(begins, sizes)


def _share_out(table: pd.DataFrame, n: int) -> pd.DataFrame:
    """As many of each stratum as `n` allows: one more of each, round by round, until there are `n`."""
    ordered = table.sort_values([_STRATUM, _LOT], kind="stable")
    turn = _rank(ordered[_STRATUM].to_numpy())
    first = np.lexsort((ordered[_LOT].to_numpy(), turn))[:n]
    return ordered.iloc[first].drop(columns=_LOT).sort_index()


def _with_places(table: pd.DataFrame, covariates: xr.Dataset) -> pd.DataFrame:
    shape = tuple(covariates.sizes.values())
    places = np.unravel_index(table.index.to_numpy(), shape)
    return table.assign(
        **{str(dim): covariates[dim].values[place] for dim, place in zip(covariates.dims, places, strict=True)}
    )
