"""Keeping the memory of one tile for the next."""

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt in glibc's malloc.h
_KEEP = 2**30


@cache
def keep_freed_memory() -> bool:
    """Tell glibc to keep what is freed, up to 1 GiB, rather than hand it back to the system.

    Every tile allocates arrays of tens of MiB. By default each is mapped from the system and unmapped again, and each
    of its pages is faulted in and zeroed anew: a third of the processor time of a run that is bound by memory (see
    docs/decisions/0003). One arena, because those of threads are too small for such arrays.

    Returns
    -------
    bool
        Whether the C library took it; another than glibc does as it always does.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    settings = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _KEEP), (_TRIM_THRESHOLD, _KEEP))
    return mallopt is not None and all(mallopt(option, value) for option, value in settings)
