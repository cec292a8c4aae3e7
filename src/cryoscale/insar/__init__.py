"""Interferograms -> displacement -> rates, thaw seasons, the long-term record."""

from cryoscale.insar.closure import Datum, closure_phase, closure_statistics, loop_errors
from cryoscale.insar.drivers import CELL, aggregate, driver_statistics, thawing_index
from cryoscale.insar.filters import LocalFit, filter_time_series
from cryoscale.insar.geometry import LookGeometry, decompose, los_to_vertical
from cryoscale.insar.longterm import TOLERANCE as PAIR_TOLERANCE
from cryoscale.insar.longterm import PairKind, classify_pairs, interannual_rate, seasons_by_index, seasons_of_pairs
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
from cryoscale.insar.validation import compare_point

__all__ = [
    "CELL",
    "PAIR_TOLERANCE",
    "SENSORS",
    "Apply",
    "Datum",
    "LocalFit",
    "LookGeometry",
    "MissingDelay",
    "PairKind",
    "RampOrder",
    "Screening",
    "Sensor",
    "TemporalModel",
    "Verdict",
    "aggregate",
    "choose_reference",
    "classify_pairs",
    "closure_phase",
    "closure_statistics",
    "coherence_weight",
    "compare_point",
    "correct_troposphere",
    "correct_unwrapping",
    "coverage_per_pair",
    "decompose",
    "deformation_rate",
    "delay_reduction",
    "deramp",
    "driver_statistics",
    "epochs",
    "filter_time_series",
    "fit_ramp",
    "interannual_rate",
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
    "seasons_by_index",
    "seasons_of_pairs",
    "sensor",
    "thaw_season",
    "thawing_index",
    "tropospheric_phase",
]
