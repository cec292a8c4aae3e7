"""Whole cycles that pairs are wrong by, pixel by pixel, from the loops that do not close; compiled."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from cryoscale.insar._closure import BLOCK, CYCLE, close

Array = np.ndarray[Any, Any]

MISSING = 32767

_compiled = njit(error_model="numpy", nogil=True)
_entry = njit(cache=True, error_model="numpy", nogil=True)


class Network(NamedTuple):
    """Loops, and the loops of each pair: entries start[p] to start[p + 1] of `member` and `sign`."""

    loops: Array  # (loop, 3) pairs ij, jk, ik
    start: Array  # (pair + 1,)
    member: Array  # (3 loop,) loop
    sign: Array  # (3 loop,) 1 or, for ik, -1


class Ballot(NamedTuple):
    """What the loops of one pixel say of each pair."""

    gain: Array  # (pair,) by how many the unclosed loops become fewer if the pair is shifted
    shift: Array  # (pair,) by these cycles
    open: Array  # (pair,) whether the pair may be the next
    taken: Array  # (pair,) cycles taken off so far


def network_of(loops: Array, n_pairs: int) -> Network:
    """Index the loops by their pairs."""
    pairs = loops.ravel()
    order = np.argsort(pairs, kind="stable")
    start = np.searchsorted(pairs[order], np.arange(n_pairs + 1))
    return Network(np.ascontiguousarray(loops), start, order // 3, np.array([1, 1, -1], np.int16)[order % 3])


@_entry
def correct(phase: Array, network: Network, max_share: float) -> tuple[Array, Array]:
    """Take whole cycles off the pairs that the loops say are wrong; phase (pair, pixel).

    Returns the corrected phase and the number of pairs changed in each pixel, -1 where it would be more than
    `max_share` of those that have data.
    """
    n_pixels, n_loops = phase.shape[1], network.loops.shape[0]
    corrected, changed = phase.copy(), np.zeros(n_pixels, np.int16)
    closure, unclosed = np.empty(BLOCK, phase.dtype), np.empty(BLOCK, np.bool_)
    cycles, ballot = np.empty((n_loops, BLOCK), np.int16), _new_ballot(phase.shape[0])
    for start in range(0, n_pixels, BLOCK):
        width = min(BLOCK, n_pixels - start)
        unclosed[:] = False
        for loop in range(n_loops):
            close(closure[:width], phase, network.loops[loop], start)
            _round(cycles[loop, :width], unclosed[:width], closure[:width])
        for i in range(width):
            if unclosed[i]:
                _repair(cycles[:, i].copy(), network, ballot)
                changed[start + i] = _apply(corrected[:, start + i], ballot.taken, max_share)
    return corrected, changed


@_compiled
def _new_ballot(n_pairs: int) -> Ballot:
    gain, shift, taken = np.empty((3, n_pairs), np.int16)
    return Ballot(gain, shift, np.empty(n_pairs, np.bool_), taken)


@_compiled
def _round(cycles: Array, unclosed: Array, closure: Array) -> None:
    for i in range(closure.size):
        value = np.rint(closure[i] / CYCLE)
        known = abs(value) < MISSING
        cycles[i] = value if known else MISSING
        unclosed[i] |= known and value != 0


@_compiled
def _repair(cycles: Array, network: Network, ballot: Ballot) -> None:
    """Shift the pair that closes most loops, again and again: each time fewer are unclosed."""
    ballot.taken[:] = 0
    ballot.open[:] = True
    for pair in range(ballot.gain.size):
        _vote(pair, cycles, network, ballot)
    pair = _leader(ballot)
    while pair >= 0:
        if _has_rival(pair, cycles, network, ballot):
            ballot.open[pair] = False
        else:
            _shift(pair, cycles, network, ballot)
        pair = _leader(ballot)


@_compiled
def _apply(phase: Array, taken: Array, max_share: float) -> int:
    present, changed = 0, 0
    for pair in range(taken.size):
        present += not np.isnan(phase[pair])
        changed += taken[pair] != 0
    if changed > max_share * present:
        return -1
    for pair in range(taken.size):
        phase[pair] -= CYCLE * taken[pair]
    return changed


@_compiled
def _vote(pair: int, cycles: Array, network: Network, ballot: Ballot) -> None:
    """Find the shift on which most of a pair's unclosed loops agree, and what it gains."""
    first, last = network.start[pair], network.start[pair + 1]
    closed, most, shift = 0, 0, np.int16(0)
    for a in range(first, last):
        wanted = cycles[network.member[a]] * network.sign[a]
        if wanted == 0:
            closed += 1
        elif abs(wanted) != MISSING and wanted != shift:
            agree = 0
            for b in range(a, last):
                agree += cycles[network.member[b]] * network.sign[b] == wanted
            if agree > most:
                most, shift = agree, wanted
    ballot.gain[pair], ballot.shift[pair] = most - closed, shift


@_compiled
def _leader(ballot: Ballot) -> int:
    best, leader = 0, -1
    for pair in range(ballot.gain.size):
        if ballot.open[pair] and ballot.gain[pair] > best:
            best, leader = ballot.gain[pair], pair
    return leader


@_compiled
def _has_rival(pair: int, cycles: Array, network: Network, ballot: Ballot) -> bool:
    """Whether another pair would close one of the same loops and gain as much: then none can say which is wrong."""
    for a in range(network.start[pair], network.start[pair + 1]):
        loop = network.member[a]
        if cycles[loop] * network.sign[a] == ballot.shift[pair]:
            ij, jk, ik = network.loops[loop]
            for other, sign in ((ij, 1), (jk, 1), (ik, -1)):
                closes = ballot.shift[other] * sign == cycles[loop]
                if other != pair and closes and ballot.gain[other] >= ballot.gain[pair]:
                    return True
    return False


@_compiled
def _shift(pair: int, cycles: Array, network: Network, ballot: Ballot) -> None:
    shift = ballot.shift[pair]
    ballot.taken[pair] += shift
    ballot.open[:] = True
    for a in range(network.start[pair], network.start[pair + 1]):
        if cycles[network.member[a]] != MISSING:
            cycles[network.member[a]] -= network.sign[a] * shift
    for a in range(network.start[pair], network.start[pair + 1]):
        for other in network.loops[network.member[a]]:
            _vote(other, cycles, network, ballot)
