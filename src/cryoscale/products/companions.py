"""What a run needs beside its interferograms: opened once by their headers, before hours of reading."""

from cryoscale.grids import pixel_at
from cryoscale.products.constraint import Constraint
from cryoscale.products.corrections import Corrections, Reference
from cryoscale.readers import Inspection, open_gacos, open_map


def require_companions(
    inspection: Inspection, *, corrections: Corrections, reference: Reference, constraint: Constraint | None
) -> None:
    """Refuse a reference outside the grid, and delays, masks and rates that do not fit to the stack.

    Parameters
    ----------
    inspection : Inspection
        The stack.
    corrections : Corrections
        Names the delays and the mask.
    reference : Reference
        Given, or chosen later.
    constraint : Constraint, optional
        Names the rate.

    Raises
    ------
    InputError
        As when they are used.
    """
    geobox, whole = inspection.grid.geobox, {"y": -1, "x": -1}
    if reference.longitude is not None and reference.latitude is not None:
        pixel_at(geobox, reference.longitude, reference.latitude)
    if corrections.troposphere is not None:
        days = {day for pair in inspection.files.pairs for day in (pair.reference, pair.secondary)}
        open_gacos(corrections.troposphere.folder, geobox, strip_rows=geobox.shape[0], dates=days)
    if corrections.ramp is not None and corrections.ramp.stable is not None:
        open_map(corrections.ramp.stable, "stable", geobox=geobox, chunks=whole)
    if constraint is not None:
        open_map(constraint.rate, "velocity", geobox=geobox, chunks=whole)
