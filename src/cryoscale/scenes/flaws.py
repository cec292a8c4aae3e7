"""Bad interferograms: unwrapping errors in known pairs, and pairs that hardly hold data."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cryoscale.scenes.network import Network
from cryoscale.scenes.terrain import Field, fractal_field

PATCH_SHARES = (0.12, 0.35)  # of the scene; 1.5 rad over a loop need 0.06 at one cycle
CYCLES, CHANCES = (-2, -1, 1, 2), (0.1, 0.4, 0.4, 0.1)
COVERED_SHARES = (0.04, 0.12)  # of the scene that a pair of low coverage shows, beside what passes the mask by chance
LEFT_COHERENCE = 0.1  # of the coherence of an incoherent pair: a sixth of its pixels still pass the mask by chance
ROUGH, SMOOTH = 3.0, 4.5  # exponents of the spectra that shape coverage and patches


class Flaw(IntEnum):
    """What is wrong with a pair."""

    NONE = 0
    """Nothing."""
    UNWRAPPING = 1
    """A patch is wrong by whole cycles."""
    COVERAGE = 2
    """Coherent in a small part of the scene only."""
    COHERENCE = 3
    """Hardly coherent anywhere."""


def plant_flaws(
    network: Network, *, unwrapping: float, decorrelation: float, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Choose the bad pairs of a network.

    Unwrapping errors are planted where they can be found: in pairs that are part of a loop of three.

    Parameters
    ----------
    network : Network
        The pairs.
    unwrapping, decorrelation : float
        Share of the pairs with an unwrapping error, and of those with low coverage or low coherence in equal numbers.
    rng : numpy.random.Generator
        Decides which.

    Returns
    -------
    ndarray (pair)
        Values of `Flaw`.
    """
    n_pairs = len(network.first)
    order = rng.permutation(n_pairs)
    looped = order[_in_loops(network)[order]]
    bare = order[::-1][: round(decorrelation * n_pairs)]  # from the other end: neither choice changes the other
    flaws = np.zeros(n_pairs, np.int8)
    flaws[looped[: round(unwrapping * n_pairs)]] = Flaw.UNWRAPPING
    flaws[bare[::2]], flaws[bare[1::2]] = Flaw.COVERAGE, Flaw.COHERENCE
    return flaws


def unwrapping_cycles(
    flaws: NDArray[np.int8], shape: tuple[int, int], *, reference: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.int8]:
    """Whole cycles by which every pixel of every pair is wrong.

    Parameters
    ----------
    flaws : ndarray (pair)
        Values of `Flaw`.
    shape : tuple of int
        Rows and columns.
    reference : tuple of int
        Row and column of the reference pixel; it lies in no patch.
    rng : numpy.random.Generator
        Shapes the patches.

    Returns
    -------
    ndarray (pair, y, x)
        0 outside the patches.
    """
    cycles = np.zeros((len(flaws), *shape), np.int8)
    for pair in np.flatnonzero(flaws == Flaw.UNWRAPPING):
        field = fractal_field(shape, exponent=SMOOTH, rng=rng)
        field *= -np.sign(field[reference])
        patch = field > max(np.quantile(field, 1 - rng.uniform(*PATCH_SHARES)), field[reference])
        cycles[pair] = patch * rng.choice(CYCLES, p=CHANCES)
    return cycles


def decorrelate(coherence: Field, flaws: NDArray[np.int8], *, rng: np.random.Generator) -> Field:
    """Take their coherence from the pairs of low coverage and low coherence.

    Parameters
    ----------
    coherence : ndarray (pair, y, x)
        True coherence.
    flaws : ndarray (pair)
        Values of `Flaw`.
    rng : numpy.random.Generator
        Shapes what is left.

    Returns
    -------
    ndarray (pair, y, x)
    """
    left = coherence.copy()
    left[flaws == Flaw.COHERENCE] *= np.float32(LEFT_COHERENCE)
    for pair in np.flatnonzero(flaws == Flaw.COVERAGE):
        field = fractal_field(coherence.shape[1:], exponent=ROUGH, rng=rng)
        left[pair, field < np.quantile(field, 1 - rng.uniform(*COVERED_SHARES))] = 0.0
    return left


def _in_loops(network: Network) -> NDArray[np.bool_]:
    """Whether a third acquisition is linked to both of a pair."""
    linked = np.zeros((len(network.epochs), len(network.epochs)), np.float32)
    linked[network.first, network.second] = linked[network.second, network.first] = 1
    return (linked @ linked)[network.first, network.second] > 0
