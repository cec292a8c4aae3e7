"""Which interferograms of a network to trust: coverage, coherence, and the closure of their loops."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cryoscale.errors import InputError
from cryoscale.insar.closure import Datum, closure_statistics, closure_table, loop_errors, stack_triplets
from cryoscale.insar.quality import pair_statistics
from cryoscale.variables import attributes


class Verdict(IntEnum):
    """What becomes of a pair, and why."""

    KEPT = 0
    """It closes at least one loop."""
    UNTESTED = 1
    """Kept, but in no loop that could tell: look at it."""
    COVERAGE = 2
    """Dropped: has data in too few pixels."""
    COHERENCE = 3
    """Dropped: mean coherence is too low."""
    CLOSURE = 4
    """Dropped: closes none of its loops."""


@dataclass(frozen=True, slots=True)
class Screening:
    """Outcome of a screening.

    Attributes
    ----------
    pairs : xarray.Dataset
        ``verdict`` (pair), a `Verdict`; ``observed_share``, ``pair_coherence`` where there is coherence,
        ``n_pair_loops`` and ``n_bad_pair_loops`` (pair), the loops it was tested in and those that did not close.
    loops : xarray.Dataset
        `closure_table`, and ``closure_verdict`` (triplet): 0 good, 1 bad, 2 not tested (a pair was dropped for its
        coverage or coherence, or the three have no pixel in common).
    """

    pairs: xr.Dataset
    loops: xr.Dataset

    @property
    def kept(self) -> xr.DataArray:
        """(pair) whether the pair stays."""
        kept: xr.DataArray = self.pairs.verdict <= Verdict.UNTESTED
        return kept

    @property
    def counts(self) -> dict[str, int]:
        """Number of pairs by verdict, as in ``{"kept": 640, "untested": 2, ...}``."""
        return {verdict.name.lower(): int((self.pairs.verdict == verdict).sum()) for verdict in Verdict}


def network_statistics(phase: xr.DataArray, coherence: xr.DataArray | None = None) -> xr.Dataset:
    """All that `screen_pairs` needs to know of a stack, in one pass over it.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad, with the coordinates ``reference`` and ``secondary``; NaN is no data.
    coherence : xarray.DataArray, optional
        (pair, y, x), 0 to 1.

    Returns
    -------
    xarray.Dataset
        `closure_statistics` and `pair_statistics`: a few numbers per triplet and per pair; lazy on lazy input.

    Raises
    ------
    InputError
        If a unit is wrong, or the dates are missing, repeated or not forward.
    """
    return closure_statistics(phase).merge(pair_statistics(phase, coherence))


def screen_pairs(
    statistics: xr.Dataset,
    *,
    rms_threshold: float = 1.5,
    min_coverage: float = 0.3,
    min_coherence: float = 0.05,
    datum: Datum = Datum.NEAREST_CYCLE,
) -> Screening:
    """Judge every pair by the rule of LiCSBAS (Morishita et al., 2020; Biggs et al., 2007).

    1. A pair with data in less than `min_coverage` of the pixels that the stack observes, or with a mean coherence
       below `min_coherence` there, is dropped, and all its loops with it.
    2. Each remaining loop of three pairs is good if the root mean square of its closure phase over all pixels is below
       `rms_threshold`, else bad. A bad loop holds at least one bad pair, but does not say which; a good loop clears
       all three.
    3. So a pair is dropped if it is in at least one bad loop and in no good one. A pair that is in bad loops and also
       in a good one stays; what made those loops bad is one of the other two pairs. A pair in no loop stays too,
       untested.

    Where bad pairs crowd, good ones between them may find no good loop and are dropped with them.

    Parameters
    ----------
    statistics : xarray.Dataset
        From `network_statistics`, computed. ``pair_coherence`` may be missing; then coherence is not judged.
    rms_threshold : float
        rad. The Datong paper and LiCSBAS use 1.5.
    min_coverage : float
        Share of the observed pixels, 0 to 1.
    min_coherence : float
        0 to 1.
    datum : Datum
        What closure is measured from: `Datum.ZERO` for phases that have been referred to one area.

    Returns
    -------
    Screening

    Raises
    ------
    InputError
        If a threshold is out of range, or if no pair is kept.
    """
    _require_thresholds(rms_threshold, min_coverage, min_coherence)
    covered = statistics.observed_share.values >= min_coverage
    coherence = statistics.pair_coherence.values if "pair_coherence" in statistics else np.ones_like(covered, float)
    coherent = coherence >= min_coherence
    table = closure_table(statistics, datum=datum)
    loops = stack_triplets(statistics)
    tested = (covered & coherent)[loops].all(axis=1) & (table.closure_pixels.values > 0)
    bad = tested & ~(table.closure_rms.values < rms_threshold)
    n_loops, n_bad = (_loops_per_pair(loops[which], covered.size) for which in (tested, bad))
    verdict = np.select(
        [~covered, ~coherent, n_loops == 0, n_bad == n_loops],
        [Verdict.COVERAGE, Verdict.COHERENCE, Verdict.UNTESTED, Verdict.CLOSURE],
        Verdict.KEPT,
    )
    columns = {"verdict": verdict, "n_pair_loops": n_loops, "n_bad_pair_loops": n_bad}
    pairs = statistics.drop_dims(["triplet", "cycles"]).assign({name: ("pair", v) for name, v in columns.items()})
    table["closure_verdict"] = ("triplet", np.where(tested, bad, 2))
    screening = Screening(_described(pairs), _described(table))
    _require_some(screening)
    return screening


def _loops_per_pair(loops: NDArray[np.intp], n_pairs: int) -> NDArray[np.intp]:
    return np.bincount(loops.ravel(), minlength=n_pairs)


_FLAGS = {
    "verdict": [verdict.name.lower() for verdict in Verdict],
    "closure_verdict": ["good", "bad", "not_tested"],
}


def _described(table: xr.Dataset) -> xr.Dataset:
    """Integer columns in the registry's types, with its attributes and the meanings of flags (CF, Section 3.5)."""
    for name in ("verdict", "n_pair_loops", "n_bad_pair_loops", "closure_verdict"):
        if name in table:
            dtype = "int8" if name in _FLAGS else "int32"
            table[name] = table[name].astype(dtype).assign_attrs(attributes(name))
    for name, meanings in _FLAGS.items():
        if name in table:
            flags = np.arange(len(meanings), dtype="int8").tolist()
            table[name].attrs |= {"flag_values": flags, "flag_meanings": " ".join(meanings)}
    return table


def _require_thresholds(rms_threshold: float, min_coverage: float, min_coherence: float) -> None:
    if not rms_threshold > 0:
        raise InputError(
            f"rms_threshold: {rms_threshold} rad would find every loop bad. Give a positive number, as 1.5."
        )
    for name, value in (("min_coverage", min_coverage), ("min_coherence", min_coherence)):
        if not 0 <= value <= 1:
            raise InputError(f"{name}: {value} is not between 0 and 1. Give a share, as 0.3.")


def _require_some(screening: Screening) -> None:
    if not bool(screening.kept.any()):
        dropped = ", ".join(f"{number} for {name}" for name, number in screening.counts.items() if number)
        raise InputError(
            f"network: no interferogram passes ({dropped}). Lower the thresholds, or check the units, signs and "
            "dates of the stack."
        )


def screen_network(
    phase: xr.DataArray,
    coherence: xr.DataArray | None = None,
    *,
    rms_threshold: float = 1.5,
    min_coverage: float = 0.3,
    min_coherence: float = 0.05,
    datum: Datum = Datum.NEAREST_CYCLE,
    reduce: Callable[[xr.Dataset], xr.Dataset] = xr.Dataset.compute,
) -> tuple[Screening, xr.Dataset]:
    """`network_statistics`, `screen_pairs`, and the loop errors that remain.

    Parameters
    ----------
    phase : xarray.DataArray
        Unwrapped phase (pair, y, x), rad, with the coordinates ``reference`` and ``secondary``; NaN is no data. One
        chunk along ``pair``.
    coherence : xarray.DataArray, optional
        (pair, y, x), 0 to 1.
    rms_threshold, min_coverage, min_coherence, datum
        See `screen_pairs`.
    reduce : callable
        Computes the statistics, a small Dataset, in one pass over the stack.

    Returns
    -------
    Screening
        The verdicts, computed.
    xarray.Dataset
        ``n_loops`` and ``n_loop_errors`` (y, x) of the pairs that are kept; lazy on lazy input.

    Raises
    ------
    InputError
        See `network_statistics` and `screen_pairs`.

    Examples
    --------
    >>> epochs = np.datetime64("2020-01-01", "ns") + 12 * np.arange(5) * np.timedelta64(1, "D")
    >>> i, j = np.triu_indices(5, 1)
    >>> phase = xr.DataArray(np.zeros((10, 8, 8)), dims=("pair", "y", "x"),
    ...     coords={"reference": ("pair", epochs[i]), "secondary": ("pair", epochs[j])})
    >>> phase[3, :, :4] += 2 * np.pi
    >>> screening, maps = screen_network(phase)
    >>> np.flatnonzero(~screening.kept), screening.counts["closure"], int(maps.n_loop_errors.max())
    (array([3]), 1, 0)
    """
    screening = screen_pairs(
        reduce(network_statistics(phase, coherence)),
        rms_threshold=rms_threshold,
        min_coverage=min_coverage,
        min_coherence=min_coherence,
        datum=datum,
    )
    return screening, remaining_errors(phase, screening)


def remaining_errors(phase: xr.DataArray, screening: Screening) -> xr.Dataset:
    """Count in every pixel the loops of kept pairs, and those of them that do not close.

    Parameters
    ----------
    phase : xarray.DataArray
        The stack that was screened.
    screening : Screening
        From `screen_pairs`.

    Returns
    -------
    xarray.Dataset
        See `loop_errors`.
    """
    return loop_errors(phase, keep=screening.kept, cycles=screening.loops.closure_cycles)
