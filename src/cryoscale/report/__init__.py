"""Figures (one figure is one function of a dataset) and the HTML report."""

from cryoscale.report.active_layer import (
    active_layer_section,
    active_layer_validation_section,
    daily_section,
    downscaling_section,
    stefan_section,
)
from cryoscale.report.boreholes import borehole_plot, borehole_table
from cryoscale.report.canvas import figure_png, save_png
from cryoscale.report.checks import Check, check_plot, check_table
from cryoscale.report.classes import class_map, class_maps
from cryoscale.report.confusion import Agreement, agreement_table, confusion_figure, kappa_plot
from cryoscale.report.corrections import corrections_section, seasons_section, summary_table, verdict_plot
from cryoscale.report.deformation import deformation_sections, truth_section
from cryoscale.report.downscaling import DownscaledImage
from cryoscale.report.ground_ice import ground_ice_section, ice_change_section
from cryoscale.report.html import Picture, Section, Table, write_report
from cryoscale.report.maps import decimated, map_figure, mark_points
from cryoscale.report.mine_scenario import cut_section, scenario_section
from cryoscale.report.mining import temperature_section as mine_temperature_section
from cryoscale.report.mining import vegetation_section
from cryoscale.report.moisture import learned_section, moisture_section, samples_section, skill_section
from cryoscale.report.palette import class_colours, named_classes
from cryoscale.report.permafrost import (
    calibration_section,
    change_section,
    gap_filling_section,
    ground_section,
    ground_temperature_section,
    temperature_section,
    validation_section,
)
from cryoscale.report.permafrost_change import area_table, permafrost_area_plot
from cryoscale.report.permafrost_maps import quantity_maps
from cryoscale.report.plots import histogram, scatter_against_truth
from cryoscale.report.series import fitted_model, network_gaps, network_plot, time_series_plot

__all__ = [
    "Agreement",
    "Check",
    "DownscaledImage",
    "Picture",
    "Section",
    "Table",
    "active_layer_section",
    "active_layer_validation_section",
    "agreement_table",
    "area_table",
    "borehole_plot",
    "borehole_table",
    "calibration_section",
    "change_section",
    "check_plot",
    "check_table",
    "class_colours",
    "class_map",
    "class_maps",
    "confusion_figure",
    "corrections_section",
    "cut_section",
    "daily_section",
    "decimated",
    "deformation_sections",
    "downscaling_section",
    "figure_png",
    "fitted_model",
    "gap_filling_section",
    "ground_ice_section",
    "ground_section",
    "ground_temperature_section",
    "histogram",
    "ice_change_section",
    "kappa_plot",
    "learned_section",
    "map_figure",
    "mark_points",
    "mine_temperature_section",
    "moisture_section",
    "named_classes",
    "network_gaps",
    "network_plot",
    "permafrost_area_plot",
    "quantity_maps",
    "samples_section",
    "save_png",
    "scatter_against_truth",
    "scenario_section",
    "seasons_section",
    "skill_section",
    "stefan_section",
    "summary_table",
    "temperature_section",
    "time_series_plot",
    "truth_section",
    "validation_section",
    "vegetation_section",
    "verdict_plot",
    "write_report",
]
