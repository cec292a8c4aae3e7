"""Interferograms -> displacement -> rates and seasons."""

from cryoscale.insar.nsbas import TemporalModel, invert_nsbas
from cryoscale.insar.phase import coherence_weight, mask_incoherent, mean_coherence, phase_to_displacement
from cryoscale.insar.rates import deformation_rate, seasonal_cycle
from cryoscale.insar.reference import (
    choose_reference,
    coverage_per_pair,
    reference_candidates,
    reference_offset,
    reference_to,
)

__all__ = [
    "TemporalModel",
    "choose_reference",
    "coherence_weight",
    "coverage_per_pair",
    "deformation_rate",
    "invert_nsbas",
    "mask_incoherent",
    "mean_coherence",
    "phase_to_displacement",
    "reference_candidates",
    "reference_offset",
    "reference_to",
    "seasonal_cycle",
]
