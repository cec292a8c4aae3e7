"""The check of a whole stack before any pixel is read: every header once, every problem collected."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from affine import Affine

from cryoscale.errors import InputError
from cryoscale.readers.files import Dates, PairFiles, Rejected, StackFiles
from cryoscale.readers.headers import Grid, Header, read_header

_SHOWN = 10
_SPELLINGS = {
    "rad": {"rad", "radian", "radians"},
    "m": {"m", "metre", "metres", "meter", "meters"},
    "degree": {"degree", "degrees", "deg"},
}
_GEOMETRY_UNITS = {"elevation": "m", "incidence_angle": "degree", "look_elevation_angle": "rad"}

Check = Callable[[Sequence[PairFiles]], Iterable[Rejected | None]]
Headers = dict[Path, Header]


class GridMismatch(StrEnum):
    """What to do with interferograms whose pixels coincide but whose extents differ."""

    ERROR = "error"
    CROP = "crop"


@dataclass(frozen=True)
class Inspection:
    """A stack that can be read.

    Attributes
    ----------
    files : StackFiles
        Pairs in the order of their dates; what was left out is in ``files.rejected``.
    grid : Grid
        Grid of the stack.
    headers : mapping of pathlib.Path to Header
        Of every file in `files`.
    """

    files: StackFiles
    grid: Grid
    headers: Mapping[Path, Header]


def inspect_files(
    files: StackFiles, *, skip_bad: bool = False, on_grid_mismatch: GridMismatch = GridMismatch.ERROR
) -> Inspection:
    """Check every file of a stack by its header.

    A pair is refused if its dates are equal, reversed or already there; if a file is missing, unreadable, cut short,
    has more than one band, no georeference, a type or unit that its quantity cannot have; if it lacks the coherence
    that other pairs have; or if its grid is not that of most pairs. Geometry may cover more than the stack, on the
    same pixel lattice.

    Parameters
    ----------
    files : StackFiles
        From a finder.
    skip_bad : bool
        Leave bad files out and list them in ``files.rejected`` rather than raise.
    on_grid_mismatch : GridMismatch
        ``"crop"`` cuts grids that share their pixel lattice to the part that all of them have.

    Returns
    -------
    Inspection

    Raises
    ------
    InputError
        If something is wrong and `skip_bad` is not set, or if nothing is left. All problems are counted and the
        first ten named.
    """
    rejected = list(files.rejected)
    pairs, headers = _sound_pairs(files.pairs, rejected)
    grid = _usual_grid([headers[pair.phase].grid for pair in pairs], on_grid_mismatch)
    pairs = _sieve(pairs, lambda some: (_check_grid(p, headers, grid, on_grid_mismatch) for p in some), rejected)
    grid = _overlap(grid, {path: headers[path].grid for pair in pairs for path in pair.paths})
    maps, map_headers = _usable_maps(files.geometry, grid, rejected)
    if rejected and not skip_bad:
        raise InputError(_report(rejected, "Mend this, or set skip_bad to go on without it."))
    kept = replace(files, pairs=pairs, geometry=maps, rejected=tuple(rejected))
    found = headers | map_headers
    return Inspection(kept, grid, {path: found[path] for path in kept.paths})


def _sound_pairs(pairs: Sequence[PairFiles], rejected: list[Rejected]) -> tuple[tuple[PairFiles, ...], Headers]:
    """Pairs with good dates and good files, and the headers; the others' faults are added to the list."""
    dated = _sieve(_sieve(pairs, _check_dates, rejected), _check_coherence_given, rejected)
    headers, faults = _scan([path for pair in dated for path in pair.paths])
    return _sieve(dated, lambda some: (_check_headers(pair, headers, faults) for pair in some), rejected), headers


def _sieve(pairs: Sequence[PairFiles], check: Check, rejected: list[Rejected]) -> tuple[PairFiles, ...]:
    """Pairs that pass a check, at least one; the others' faults are added to the list."""
    verdicts = list(check(pairs))
    rejected += [verdict for verdict in verdicts if verdict]
    passed = tuple(pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict is None)
    if not passed:
        raise InputError(_report(rejected, "No interferogram is left."))
    return passed


def _check_dates(pairs: Sequence[PairFiles]) -> Iterable[Rejected | None]:
    first: dict[Dates, Path] = {}
    for pair in pairs:
        dates = (pair.reference, pair.secondary)
        if pair.reference >= pair.secondary:
            relation = "equals" if pair.reference == pair.secondary else "is after"
            yield Rejected(pair.phase, f"its reference date {pair.reference} {relation} its secondary {pair.secondary}")
        elif dates in first:
            yield Rejected(pair.phase, f"is a second interferogram of {dates[0]} to {dates[1]} beside {first[dates]}")
        else:
            first[dates] = pair.phase
            yield None


def _check_coherence_given(pairs: Sequence[PairFiles]) -> Iterable[Rejected | None]:
    n_with = sum(pair.coherence is not None for pair in pairs)
    for pair in pairs:
        lacking = n_with > 0 and pair.coherence is None
        yield Rejected(pair.phase, f"has no coherence beside it, as {n_with} others have") if lacking else None


def _scan(paths: Iterable[Path]) -> tuple[Headers, dict[Path, str]]:
    """Headers of the good files and faults of the others."""
    scans = {path: read_header(path) for path in paths}
    headers = {path: scan for path, scan in scans.items() if isinstance(scan, Header)}
    return headers, {path: scan for path, scan in scans.items() if isinstance(scan, str)}


def _check_headers(pair: PairFiles, headers: Headers, faults: Mapping[Path, str]) -> Rejected | None:
    """The first fault of a pair's files, or None."""
    for path in pair.paths:
        check_type = _phase_fault if path == pair.phase else _coherence_fault
        fault = faults.get(path) or check_type(headers[path])
        if fault:
            return Rejected(path, fault)
    return None


def _phase_fault(header: Header) -> str | None:
    if not header.dtype.startswith("float"):
        return f"holds {header.dtype}; unwrapped phase must be floating point, in rad"
    return _unit_fault(header, "rad")


def _coherence_fault(header: Header) -> str | None:
    """Why a type cannot hold coherence; its unit tag is not looked at, processors copy the phase's."""
    if header.dtype.startswith("float") or header.dtype == "uint8":
        return None
    return f"holds {header.dtype}; coherence must be floating point (0 to 1) or uint8 (0 to 255)"


def _unit_fault(header: Header, expected: str) -> str | None:
    if not header.units or header.units.lower() in _SPELLINGS[expected]:
        return None
    return f"is in {header.units!r}, but must be in {expected!r}; convert it"


def _usual_grid(grids: Sequence[Grid], on_mismatch: GridMismatch) -> Grid:
    """The grid that most files have, or whose pixel lattice most have; of equals the first."""
    counts: list[tuple[Grid, int]] = []
    for grid in grids:
        for i, (known, n) in enumerate(counts):
            if _fits(known, grid, on_mismatch):
                counts[i] = (known, n + 1)
                break
        else:
            counts.append((grid, 1))
    return max(counts, key=lambda entry: entry[1])[0]


def _fits(grid: Grid, other: Grid, on_mismatch: GridMismatch) -> bool:
    if on_mismatch is GridMismatch.CROP:
        return grid.place(other) is not None
    return not grid.difference(other)


def _check_grid(pair: PairFiles, headers: Headers, grid: Grid, on_mismatch: GridMismatch) -> Rejected | None:
    for path in pair.paths:
        other = headers[path].grid
        if not _fits(grid, other, on_mismatch):
            croppable = grid.place(other) is not None
            remedy = "set on_grid_mismatch to 'crop'" if croppable else "resample it to the others' grid"
            return Rejected(path, f"has {grid.difference(other)}, which most files have; {remedy}")
    return None


def _overlap(grid: Grid, others: Mapping[Path, Grid]) -> Grid:
    """The part of the lattice that all files have."""
    places = {path: grid.place(other) or (0, 0) for path, other in others.items()}
    starts, stops = [], []
    for axis in (0, 1):
        last = max(places, key=lambda path: places[path][axis])
        first = min(places, key=lambda path: places[path][axis] + others[path].shape[axis])
        start, stop = places[last][axis], places[first][axis] + others[first].shape[axis]
        if start >= stop:
            raise InputError(f"{last}: has no pixel in common with {first}. Take one of them out of the input.")
        starts.append(start)
        stops.append(stop)
    transform = grid.transform * Affine.translation(starts[1], starts[0])
    return Grid(grid.crs, transform, (stops[0] - starts[0], stops[1] - starts[1]))


def _usable_maps(geometry: Mapping[str, Path], grid: Grid, rejected: list[Rejected]) -> tuple[dict[str, Path], Headers]:
    """Geometry files that can be read on the stack's grid; the others' faults are added to the list."""
    headers, unreadable = _scan(geometry.values())
    faults = {name: unreadable.get(path) or _map_fault(name, headers[path], grid) for name, path in geometry.items()}
    rejected += [Rejected(geometry[name], fault) for name, fault in faults.items() if fault]
    return {name: path for name, path in geometry.items() if not faults[name]}, headers


def _map_fault(name: str, header: Header, grid: Grid) -> str | None:
    place = header.grid.place(grid)
    if place is None:
        return f"has {grid.difference(header.grid)}, which the interferograms have; resample it to their grid"
    if min(place) < 0 or any(at + n > size for at, n, size in zip(place, grid.shape, header.grid.shape, strict=True)):
        return "does not cover the interferograms; get one that does"
    return _unit_fault(header, _GEOMETRY_UNITS[name]) if name in _GEOMETRY_UNITS else None


def _report(rejected: Sequence[Rejected], advice: str) -> str:
    """All problems in one message: the first few by name."""
    if len(rejected) == 1:
        return f"{rejected[0]}. {advice}"
    shown = "".join(f"\n  {problem}" for problem in rejected[:_SHOWN])
    more = f"\n  and {len(rejected) - _SHOWN} more" if len(rejected) > _SHOWN else ""
    return f"{len(rejected)} inputs cannot be used:{shown}{more}\n{advice}"
