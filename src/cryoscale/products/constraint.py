"""The velocity that the inversion is held to: another sensor's rate, carried over by CDF matching (Section 3.1.1)."""

from dataclasses import dataclass

import xarray as xr
from pydantic import Field

from cryoscale.config import Config, ConfigInput
from cryoscale.grids import geobox_of
from cryoscale.readers import open_map
from cryoscale.stats import CdfTransfer, fit_cdf


class Constraint(Config):
    """A rate that covers a part of the stack, such as ALOS-2's."""

    rate: ConfigInput = Field(
        description="GeoTIFF of the rate on the stack's pixels, of any extent", json_schema_extra={"unit": "mm a-1"}
    )
    min_share: float = Field(
        0.5, ge=0, le=1, description="pixels with fewer of the pairs are not matched", json_schema_extra={"unit": "1"}
    )
    min_pixels: int = Field(
        1000, ge=100, description="fewer pixels with both rates are an error", json_schema_extra={"unit": "pixel"}
    )


@dataclass(frozen=True, slots=True)
class VelocityReference:
    """What comes of the first pass.

    Attributes
    ----------
    velocity : xarray.DataArray
        (y, x) mm a-1, over the whole stack; lazy.
    free : xarray.DataArray
        (y, x) mm a-1, velocity of the inversion without constraint.
    given : xarray.DataArray
        (y, x) mm a-1, the other sensor's rate.
    transfer : CdfTransfer
        From the distribution of one to that of the other, over their overlap.
    """

    velocity: xr.DataArray
    free: xr.DataArray
    given: xr.DataArray
    transfer: CdfTransfer


def velocity_reference(free: xr.Dataset, constraint: Constraint) -> VelocityReference:
    """Match the free velocity to the given rate over their overlap, and carry the match over the whole stack.

    Parameters
    ----------
    free : xarray.Dataset
        ``velocity`` (y, x), mm a-1, and ``n_pairs`` (y, x) of a first inversion.
    constraint : Constraint
        The given rate.

    Returns
    -------
    VelocityReference

    Raises
    ------
    InputError
        If the given rate is in another unit, on another grid, or overlaps in too few pixels.
    """
    velocity = free.velocity
    chunks = {str(dim): sizes[0] for dim, sizes in velocity.chunksizes.items()}
    given = open_map(constraint.rate, "velocity", geobox=geobox_of(free), chunks=chunks)
    # Water and steep ground, seen by few pairs, would widen the distribution of the free velocity.
    observed = free.n_pairs >= constraint.min_share * free.n_pairs.max()
    transfer = fit_cdf(velocity, given, observed, minimum=constraint.min_pixels)
    return VelocityReference(transfer(velocity), velocity, given, transfer)
