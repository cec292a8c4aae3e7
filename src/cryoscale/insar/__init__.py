"""Interferograms -> displacement -> rates, thaw seasons, the long-term record."""

from cryoscale.insar.closure import Datum, closure_phase, closure_statistics, loop_errors
from cryoscale.insar.filters import LocalFit, filter_time_series
from cryoscale.insar.geometry import LookGeometry, decompose, los_to_vertical
from cryoscale.insar.network import epochs
from cryoscale.insar.nsbas import TemporalModel, invert_nsbas
from cryoscale.insar.phase import coherence_weight, mask_incoherent, mean_coherence, phase_to_displacement
from cryoscale.insar.ramp_fits import RampOrder, fit_ramp
from cryoscale.insar.ramps import deramp, remove_ramp
from cryoscale.insar.rates import deformation_rate, seasonal_cycle
from cryoscale.insar.reference import (
    choose_reference,
    coverage_per_pair,
    reference_candidates,
    reference_offset,
    reference_to,
)
from cryoscale.insar.scaling import normalise_to_year, scale_by_thawing_index, scale_to_season
from cryoscale.insar.screening import Screening, Verdict, network_statistics, screen_network, screen_pairs
from cryoscale.insar.season import season_between, thaw_season
from cryoscale.insar.sensors import SENSORS, Sensor, sensor
from cryoscale.insar.troposphere import Apply, MissingDelay, correct_troposphere, delay_reduction, tropospheric_phase
from cryoscale.insar.unwrapping import correct_unwrapping

__all__ = [
    "SENSORS",
    "Apply",
    "Datum",
    "LocalFit",
    "LookGeometry",
    "MissingDelay",
    "RampOrder",
    "Screening",
    "Sensor",
    "TemporalModel",
    "Verdict",
    "choose_reference",
    "closure_phase",
    "closure_statistics",
    "coherence_weight",
    "correct_troposphere",
    "correct_unwrapping",
    "coverage_per_pair",
    "decompose",
    "deformation_rate",
    "delay_reduction",
    "deramp",
    "epochs",
    "filter_time_series",
    "fit_ramp",
    "invert_nsbas",
    "loop_errors",
    "los_to_vertical",
    "mask_incoherent",
    "mean_coherence",
    "network_statistics",
    "normalise_to_year",
    "phase_to_displacement",
    "reference_candidates",
    "reference_offset",
    "reference_to",
    "remove_ramp",
    "scale_by_thawing_index",
    "scale_to_season",
    "screen_network",
    "screen_pairs",
    "season_between",
    "seasonal_cycle",
    "sensor",
    "thaw_season",
    "tropospheric_phase",
]
