"""What a product hands back to whoever ran it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryoscale.folders import Folder
from cryoscale.report import Table


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the results are.

    Attributes
    ----------
    store : Path or UPath
        The Zarr store of the product.
    report : Path
        The HTML report.
    rasters : sequence of Path
        COGs.
    tables : sequence of Table
        What the command line prints at the end.
    """

    store: Folder
    report: Path
    rasters: Sequence[Path] = ()
    tables: Sequence[Table] = field(default_factory=tuple)
