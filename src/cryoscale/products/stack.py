"""The stack of interferograms that products begin with: where it is, what is wrong with it, and what made it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from pydantic import Field

from cryoscale.config import Config, ConfigInput
from cryoscale.readers import (
    GridMismatch,
    Inspection,
    StackFiles,
    find_gamma,
    find_hyp3,
    find_licsar,
    inspect_files,
    read_table,
)
from cryoscale.store import Provenance, fingerprint


class StackFormat(StrEnum):
    """Who made the interferograms."""

    LICSAR = "licsar"
    GAMMA = "gamma"
    HYP3 = "hyp3"
    TABLE = "table"


class StackSource(Config):
    """Where the interferograms are."""

    path: ConfigInput = Field(
        description="folder of interferograms; for format table a CSV with columns reference, secondary, phase and, "
        "if there is any, coherence"
    )
    format: StackFormat = Field(StackFormat.LICSAR, description="who made the interferograms")
    sensor: str | None = Field(None, description="name of the mission; null: as the files say")
    wavelength: float | None = Field(
        None, gt=0, description="radar wavelength; null: as the files say", json_schema_extra={"unit": "m"}
    )
    incidence_angle: float | None = Field(
        None,
        gt=0,
        lt=90,
        description="incidence angle at the centre; null: as the files say",
        json_schema_extra={"unit": "degree"},
    )
    heading: float | None = Field(
        None, description="heading, clockwise from north; null: as the files say", json_schema_extra={"unit": "degree"}
    )
    geometry: dict[str, ConfigInput] = Field(
        {}, description="maps on the same pixels that the finder does not know, as in elevation: dem.tif"
    )
    on_grid_mismatch: GridMismatch = Field(
        GridMismatch.ERROR,
        description="files of different extent on one pixel lattice: refuse, or cut to what all have",
    )
    skip_bad: bool = Field(False, description="leave bad interferograms out and list them, rather than stop")


def inspect_stack(source: StackSource) -> Inspection:
    """Find a stack's files and check their headers; no pixel is read.

    Parameters
    ----------
    source : StackSource
        Where they are, and what the files do not say.

    Returns
    -------
    Inspection

    Raises
    ------
    InputError
        Naming the files that cannot be used, unless ``skip_bad`` is set.
    """
    return inspect_files(_find(source), skip_bad=source.skip_bad, on_grid_mismatch=source.on_grid_mismatch)


def stack_provenance(inspection: Inspection) -> Provenance:
    """What the store of a stack depends on.

    Parameters
    ----------
    inspection : Inspection
        From `inspect_stack`.

    Returns
    -------
    Provenance
    """
    files = inspection.files
    facts = {"sensor": files.sensor, "wavelength": files.wavelength, "n_pairs": len(files.pairs)}
    return Provenance("interferogram-stack", facts, {"files": fingerprint(files.paths)})


_FINDERS: Mapping[StackFormat, Callable[..., StackFiles]] = {
    StackFormat.LICSAR: find_licsar,
    StackFormat.GAMMA: find_gamma,
    StackFormat.HYP3: find_hyp3,
    StackFormat.TABLE: read_table,
}


def _find(source: StackSource) -> StackFiles:
    files = _FINDERS[source.format](
        source.path,
        sensor=source.sensor,
        wavelength=source.wavelength,
        incidence_angle=source.incidence_angle,
        heading=source.heading,
    )
    return replace(files, geometry={**files.geometry, **source.geometry})
