"""What is done to the phases before they are inverted: mask, troposphere, ramp, reference, screening, unwrapping."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from cryoscale import insar
from cryoscale.config import Config, ConfigInput
from cryoscale.errors import InputError
from cryoscale.grids import geobox_of, pixel_at

Reduce = Callable[[xr.Dataset], xr.Dataset]
Window = tuple[slice, slice]


class Troposphere(Config):
    """Tropospheric delays of GACOS."""

    folder: ConfigInput = Field(description="folder of GACOS files, .ztd with .rsc or GeoTIFF, one for each day")
    apply: insar.Apply = Field(insar.Apply.WHERE_IT_HELPS, description="which pairs are corrected")
    missing: insar.MissingDelay = Field(insar.MissingDelay.ERROR, description="pairs of which a day's file is missing")


class Ramp(Config):
    """Long-wavelength trend of each interferogram."""

    order: insar.RampOrder = Field(insar.RampOrder.LINEAR, description="order of the polynomial")
    with_elevation: bool = Field(False, description="a term proportional to elevation, which the stack must have")
    min_coherence: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="least coherence of the pixels that it is fitted to",
        json_schema_extra={"unit": "1"},
    )
    stable: ConfigInput | None = Field(
        None, description="GeoTIFF on the stack's pixels, 1 where the ground is taken to be stable; null: everywhere"
    )


class Screening(Config):
    """Which interferograms are kept."""

    rms_threshold: float = Field(
        1.5, gt=0, description="closure of a loop, RMS, above which it is bad", json_schema_extra={"unit": "rad"}
    )
    min_coverage: float = Field(
        0.3, ge=0, le=1, description="least share of the observed pixels with data", json_schema_extra={"unit": "1"}
    )
    min_coherence: float = Field(0.05, ge=0, le=1, description="least mean coherence", json_schema_extra={"unit": "1"})


class Unwrapping(Config):
    """Whole cycles by which the unwrapper was wrong, per pixel."""

    max_share: float = Field(
        0.25,
        ge=0,
        le=1,
        description="pixels of which a larger share of pairs would change are left as they are",
        json_schema_extra={"unit": "1"},
    )


class Corrections(Config):
    """Steps between the files and the inversion; null leaves a step out.

    Pairs are screened by their phases as they come; then delays and ramps are taken off, and whole cycles.
    """

    coherence_threshold: float = Field(
        0.3, ge=0, lt=1, description="phases of lower coherence are left out", json_schema_extra={"unit": "1"}
    )
    screening: Screening | None = Field(
        Screening(), description="interferograms to keep, by the closure of their loops"
    )
    troposphere: Troposphere | None = Field(None, description="tropospheric delays of GACOS")
    ramp: Ramp | None = Field(None, description="long-wavelength trend of each interferogram")
    unwrapping: Unwrapping | None = Field(None, description="correction of whole cycles by the closure of loops")


class Reference(Config):
    """Where the ground is taken to stand still."""

    longitude: float | None = Field(
        None, ge=-180, le=360, description="of the centre; null: chosen", json_schema_extra={"unit": "degree"}
    )
    latitude: float | None = Field(
        None, ge=-90, le=90, description="of the centre; null: chosen", json_schema_extra={"unit": "degree"}
    )
    size: int = Field(5, ge=1, description="side of the square", json_schema_extra={"unit": "pixel"})

    @model_validator(mode="after")
    def _both_or_none(self) -> "Reference":
        if (self.longitude is None) != (self.latitude is None):
            raise ValueError("give longitude and latitude, or neither for an automatic choice")
        return self


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the product computes from, lazy or not.

    Attributes
    ----------
    stack : xarray.Dataset
        ``unwrapped_phase`` (pair, y, x) in rad, ``coherence`` and ``elevation`` if there are; attribute ``wavelength``.
    delays : xarray.DataArray, optional
        ``zenith_delay`` (time, y, x), m.
    stable : xarray.DataArray, optional
        (y, x), 1 where a ramp may be fitted.
    """

    stack: xr.Dataset
    delays: xr.DataArray | None = None
    stable: xr.DataArray | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What the passes over the whole stack find out, before the inversion; all of it is small and computed.

    Attributes
    ----------
    pairs : xarray.Dataset
        (pair) ``coverage``; ``reference_phase``, mean over the reference area, rad; the ``verdict`` and its grounds
        where the network was screened; ``deviation_before`` and ``deviation_after`` where delays were taken off.
    window : tuple of slice
        Rows and columns of the reference area.
    loops : xarray.Dataset
        (triplet) closure of each loop; empty without a screening.
    ramp : xarray.Dataset
        Coefficients of each pair's ramp; empty without one.
    """

    pairs: xr.Dataset
    window: Window
    loops: xr.Dataset = field(default_factory=xr.Dataset)
    ramp: xr.Dataset = field(default_factory=xr.Dataset)

    @property
    def verdict(self) -> xr.DataArray:
        """(pair) why a pair is out; empty text for those that are in."""
        texts = {int(v): f"dropped for its {v.name.lower()}" for v in insar.Verdict if v > insar.Verdict.UNTESTED}
        codes = self.pairs.verdict.values if "verdict" in self.pairs else np.zeros(self.pairs.sizes["pair"], int)
        screened = [texts.get(int(code), "") for code in codes]
        unreferenced = self.pairs.reference_phase.isnull().values
        reasons = np.where(unreferenced, "has no coherent data in the reference area", screened)
        reasons = np.where(self.pairs.coverage.values == 0, "holds no coherent data", reasons)
        return xr.DataArray(reasons, dims="pair")

    @property
    def usable(self) -> xr.DataArray:
        """(pair) whether the pair is in."""
        inside: xr.DataArray = self.verdict == ""
        return inside

    def to_dataset(self) -> xr.Dataset:
        """All of it, to be saved."""
        rows, columns = self.window
        merged = xr.merge([self.pairs, self.loops, self.ramp], compat="no_conflicts", join="outer")
        area = {"reference_rows": [rows.start, rows.stop], "reference_columns": [columns.start, columns.stop]}
        return merged.assign_attrs(self.ramp.attrs | area)


def survey(inputs: Inputs, corrections: Corrections, *, reference: Reference, reduce: Reduce) -> Survey:
    """Reduce the stack to what its corrections and the inversion need to know of it as a whole.

    Parameters
    ----------
    inputs : Inputs
        Stack, delays, stable ground.
    corrections : Corrections
        What is corrected.
    reference : Reference
        Reference area.
    reduce : callable
        Computes a small Dataset from the lazy stack; `Scheduler.reduce`.

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        If the reference area lies outside the stack, no pair has data there, or none passes the screening.
    """
    phase, coherence = coherent_phase(inputs.stack, corrections), inputs.stack.get("coherence")
    candidates = insar.reference_candidates(phase, coherence, size=reference.size)
    found = reduce(xr.Dataset({"candidates": candidates, "coverage": insar.coverage_per_pair(phase)}))
    window = _given_window(inputs.stack, reference) or insar.choose_reference(found.candidates, size=reference.size)
    pairs = xr.merge([found[["coverage"]], reduce(_reference_phase(phase, window))], compat="override")
    result = Survey(pairs, window)
    _require_some(result)
    # Screened as they are: delays taken off some pairs open loops that closed, ramps hide unwrapping errors in part.
    if corrections.screening is not None:
        result = _screen(result, phase, coherence, corrections.screening, reduce)
    reduction = _delay_reduction(phase, inputs, corrections, reduce)
    phase = _without_delay(phase, inputs, corrections, reduction)
    ramp = xr.Dataset() if corrections.ramp is None else _fit_ramp(phase, inputs, corrections.ramp, reduce)
    level = reduce(_reference_phase(_without_ramp(phase, inputs, ramp), window))
    return replace(result, pairs=result.pairs.assign(reduction.data_vars).assign(level.data_vars), ramp=ramp)


def _reference_phase(phase: xr.DataArray, window: Window) -> xr.Dataset:
    return insar.reference_offset(phase, window).to_dataset(name="reference_phase")


def correct(inputs: Inputs, corrections: Corrections, *, found: Survey) -> xr.DataArray:
    """Phases of the pairs that are kept, corrected and referred to the reference area.

    Parameters
    ----------
    inputs : Inputs
        As in `survey`.
    corrections : Corrections
        As in `survey`.
    found : Survey
        What `survey` found.

    Returns
    -------
    xarray.DataArray
        ``unwrapped_phase`` (pair, y, x), rad; lazy where the stack is.
    """
    phase = coherent_phase(inputs.stack, corrections)
    phase = _without_delay(phase, inputs, corrections, found.pairs)
    phase = _without_ramp(phase, inputs, found.ramp)
    usable = found.usable.values
    phase = insar.reference_to(phase.isel(pair=usable), found.pairs.reference_phase.isel(pair=usable))
    if corrections.unwrapping is None:
        return phase
    mended: xr.DataArray = insar.correct_unwrapping(phase, max_share=corrections.unwrapping.max_share).unwrapped_phase
    return mended


def coherent_phase(stack: xr.Dataset, corrections: Corrections) -> xr.DataArray:
    """Phase of a stack where it is coherent; all of it where the stack has no coherence.

    Parameters
    ----------
    stack : xarray.Dataset
        With ``unwrapped_phase`` (pair, y, x).
    corrections : Corrections
        The threshold.

    Returns
    -------
    xarray.DataArray
    """
    phase: xr.DataArray = stack.unwrapped_phase
    if "coherence" not in stack:
        return phase
    return insar.mask_incoherent(phase, stack.coherence, threshold=corrections.coherence_threshold)


def _delay(inputs: Inputs, options: Troposphere) -> xr.DataArray:
    if inputs.delays is None:
        raise InputError("troposphere: is asked for, but there are no delays. Give them as Inputs(delays=...).")
    stack = inputs.stack
    incidence = stack.get("incidence_angle", stack.attrs.get("incidence_angle"))
    if incidence is None:
        raise InputError("troposphere: needs the incidence angle. Set stack.incidence_angle in degrees.")
    return insar.tropospheric_phase(
        inputs.delays, stack, wavelength=stack.attrs["wavelength"], incidence_angle=incidence, missing=options.missing
    )


def _delay_reduction(phase: xr.DataArray, inputs: Inputs, corrections: Corrections, reduce: Reduce) -> xr.Dataset:
    if corrections.troposphere is None:
        return xr.Dataset()
    delay = _delay(inputs, corrections.troposphere)
    return reduce(insar.delay_reduction(phase, phase - delay)).reset_coords(drop=True)


def _without_delay(
    phase: xr.DataArray, inputs: Inputs, corrections: Corrections, reduction: xr.Dataset
) -> xr.DataArray:
    if corrections.troposphere is None:
        return phase
    delay = _delay(inputs, corrections.troposphere)
    corrected = insar.correct_troposphere(phase, delay, apply=corrections.troposphere.apply, reduction=reduction)
    without: xr.DataArray = corrected.unwrapped_phase
    return without.drop_vars(("has_delay", "delay_applied"), errors="ignore")


def _elevation(inputs: Inputs, *, needed: bool) -> xr.DataArray | None:
    if needed and "elevation" not in inputs.stack:
        raise InputError("ramp.with_elevation: the stack has no elevation. Name it in stack.geometry.")
    return inputs.stack.elevation if needed else None


def _fit_ramp(phase: xr.DataArray, inputs: Inputs, options: Ramp, reduce: Reduce) -> xr.Dataset:
    return insar.fit_ramp(
        phase,
        inputs.stack.get("coherence"),
        order=options.order,
        elevation=_elevation(inputs, needed=options.with_elevation),
        mask=None if inputs.stable is None else inputs.stable > 0,
        min_coherence=options.min_coherence,
        reduce=reduce,
    )


def _without_ramp(phase: xr.DataArray, inputs: Inputs, ramp: xr.Dataset) -> xr.DataArray:
    if not ramp:
        return phase
    needed = "elevation" in ramp.attrs["terms"]
    return insar.remove_ramp(phase, ramp, elevation=_elevation(inputs, needed=needed))


def _given_window(stack: xr.Dataset, reference: Reference) -> Window | None:
    if reference.longitude is None or reference.latitude is None:
        return None
    centre = pixel_at(geobox_of(stack), reference.longitude, reference.latitude)
    half = reference.size // 2
    row, column = (slice(max(i - half, 0), i - half + reference.size) for i in centre)
    return row, column


def _require_some(found: Survey) -> None:
    if not bool(found.pairs.reference_phase.notnull().any()):
        rows, columns = found.window
        raise InputError(
            f"reference: no interferogram has coherent data in rows {rows.start} to {rows.stop - 1}, columns "
            f"{columns.start} to {columns.stop - 1}. Name another place, or none for an automatic choice."
        )


def _screen(
    found: Survey, phase: xr.DataArray, coherence: xr.DataArray | None, options: Screening, reduce: Reduce
) -> Survey:
    """Judge the pairs that have data, their closure measured from zero: they are referred to one area."""
    referred = insar.reference_to(phase, found.pairs.reference_phase)
    statistics = reduce(insar.network_statistics(referred, coherence))
    screening = insar.screen_pairs(
        statistics,
        rms_threshold=options.rms_threshold,
        min_coverage=options.min_coverage,
        min_coherence=options.min_coherence,
        datum=insar.Datum.ZERO,
    )
    pairs = xr.merge([found.pairs, screening.pairs], compat="override")
    return replace(found, pairs=pairs, loops=screening.loops)
