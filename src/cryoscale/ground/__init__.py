"""The ground of a district: vegetation, ground temperature, ground ice, heat conduction under pits and heaps."""

from cryoscale.ground.borehole_design import PREDICTORS, AspectTerms, SparseClasses
from cryoscale.ground.class_areas import AdjustedAreas, adjusted_areas, mapped_areas
from cryoscale.ground.column_stages import ColumnStage, graded_edges
from cryoscale.ground.forcing import Surface, n_factor_surface, sinusoid, snow_resistance
from cryoscale.ground.heat import HeatColumn, SpinUp, simulate_columns
from cryoscale.ground.ice import ground_ice, ice_change, merge_after_mining
from cryoscale.ground.ice_logs import ice_from_water, ice_table
from cryoscale.ground.ice_tables import Datum, check_ice_table
from cryoscale.ground.ice_volumes import IceVolumes, ice_volumes
from cryoscale.ground.section import simulate_section, temperature_below
from cryoscale.ground.section_grid import Section, stretched_edges
from cryoscale.ground.section_shapes import heap_stages, pit_stages
from cryoscale.ground.section_stages import Stage
from cryoscale.ground.snow import SnowyColumn, resolve_snow
from cryoscale.ground.soils import (
    FreezingStep,
    Layer,
    Soil,
    UnfrozenWater,
    conductivity,
    enthalpy,
    liquid_share,
    liquid_water,
)
from cryoscale.ground.spectral import INDICES, REFLECTANCES, spectral_indices
from cryoscale.ground.temperature import MagtMethod, compare_models, mean_annual_ground_temperature
from cryoscale.ground.temperature_models import MagtKrigedModel, MagtModel
from cryoscale.ground.vegetation import ClassWeight, VegetationClassifier, classify_vegetation
from cryoscale.ground.vegetation_validation import class_importance, validate_classifier

__all__ = [
    "INDICES",
    "PREDICTORS",
    "REFLECTANCES",
    "AdjustedAreas",
    "AspectTerms",
    "ClassWeight",
    "ColumnStage",
    "Datum",
    "FreezingStep",
    "HeatColumn",
    "IceVolumes",
    "Layer",
    "MagtKrigedModel",
    "MagtMethod",
    "MagtModel",
    "Section",
    "SnowyColumn",
    "Soil",
    "SparseClasses",
    "SpinUp",
    "Stage",
    "Surface",
    "UnfrozenWater",
    "VegetationClassifier",
    "adjusted_areas",
    "check_ice_table",
    "class_importance",
    "classify_vegetation",
    "compare_models",
    "conductivity",
    "enthalpy",
    "graded_edges",
    "ground_ice",
    "heap_stages",
    "ice_change",
    "ice_from_water",
    "ice_table",
    "ice_volumes",
    "liquid_share",
    "liquid_water",
    "mapped_areas",
    "mean_annual_ground_temperature",
    "merge_after_mining",
    "n_factor_surface",
    "pit_stages",
    "resolve_snow",
    "simulate_columns",
    "simulate_section",
    "sinusoid",
    "snow_resistance",
    "spectral_indices",
    "stretched_edges",
    "temperature_below",
    "validate_classifier",
]
