"""Choosing a tile: pure arithmetic on shapes and bytes."""

import math
from dataclasses import dataclass

from cryoscale.errors import ResourceError

SMALLEST, LARGEST = 32, 512
CHUNK_BYTES = 48 * 2**20
"""Largest chunk before compression: larger ones make reading a single pixel's series slow."""


@dataclass(frozen=True, slots=True)
class PixelCost:
    """Bytes that one pixel of a tile costs.

    Attributes
    ----------
    read : int
        Bytes of all inputs.
    written : int
        Bytes of all outputs.
    widest : int
        Bytes of the widest variable, which sets the size of the largest chunk.
    working : int
        Bytes in memory while the pixel's tile is computed.
    """

    read: int
    written: int
    widest: int
    working: int

    @classmethod
    def copying(cls, layers: int, *, widest: int) -> "PixelCost":
        """Reading and writing the same bytes: they are there decoded and, in part, compressed.

        Parameters
        ----------
        layers : int
            Bytes of a pixel.
        widest : int
            Bytes of a pixel in the widest variable.

        Returns
        -------
        PixelCost
        """
        return cls(read=layers, written=layers, widest=widest, working=2 * layers)

    @classmethod
    def computing(cls, read: int, written: int, *, widest: int) -> "PixelCost":
        """Inputs are there compressed, decoded and as a working copy; outputs decoded and compressed.

        Parameters
        ----------
        read, written : int
            Bytes of a pixel.
        widest : int
            Bytes of a pixel in the widest variable.

        Returns
        -------
        PixelCost
        """
        return cls(read=read, written=written, widest=widest, working=3 * read + 2 * written)


def choose_tile(
    shape: tuple[int, int], cost: PixelCost, *, memory: int, n_tasks: int, max_rows: int | None = None
) -> tuple[int, int]:
    """Rows and columns of a tile.

    The largest square of a multiple of 32 pixels of which one task's working set fits into `memory`, whose largest
    chunk is at most 48 MiB, and which leaves at least four tiles for every task that runs at the same time.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the grid.
    cost : PixelCost
        Bytes per pixel.
    memory : int
        Memory that one task may use, bytes.
    n_tasks : int
        Tasks that run at the same time.
    max_rows : int, optional
        Bound on the rows, where whole rows of the grid are read at once; the tile is made wider instead.

    Returns
    -------
    tuple of int
        Never more than the grid has.

    Raises
    ------
    ResourceError
        If not even a tile of 32 by 32 pixels fits.

    Examples
    --------
    >>> choose_tile((2000, 3200), PixelCost.computing(5200, 760, widest=2600), memory=2 * 2**30, n_tasks=2)
    (128, 128)
    """
    by_memory = math.isqrt(max(memory, 0) // max(cost.working, 1))
    if by_memory < SMALLEST and by_memory < max(shape):
        needed = cost.working * SMALLEST**2
        raise ResourceError(
            f"A tile of {SMALLEST} x {SMALLEST} pixels needs {needed / 2**20:.0f} MiB per task, but only "
            f"{max(memory, 0) / 2**20:.0f} MiB are free for one. Give the workers more memory (cluster.memory) or "
            "use fewer threads (cluster.workers)."
        )
    by_chunk = math.isqrt(CHUNK_BYTES // max(cost.widest, 1))
    by_balance = math.isqrt(shape[0] * shape[1] // (4 * n_tasks))
    side = min(by_memory, by_chunk, max(by_balance, SMALLEST), LARGEST)
    side = max(side // SMALLEST * SMALLEST, SMALLEST)
    rows = min(side, shape[0], max_rows or side)
    columns = side if rows >= min(side, shape[0]) else side * side // rows // SMALLEST * SMALLEST
    return rows, min(columns, shape[1])
