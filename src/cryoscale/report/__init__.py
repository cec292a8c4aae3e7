"""Figures (one figure is one function of a dataset) and the HTML report."""

from cryoscale.report.canvas import figure_png, save_png
from cryoscale.report.corrections import corrections_section, seasons_section, summary_table, verdict_plot
from cryoscale.report.deformation import deformation_sections, truth_section
from cryoscale.report.html import Picture, Section, Table, write_report
from cryoscale.report.maps import decimated, map_figure, mark_points
from cryoscale.report.plots import histogram, scatter_against_truth
from cryoscale.report.series import fitted_model, network_gaps, network_plot, time_series_plot

__all__ = [
    "Picture",
    "Section",
    "Table",
    "corrections_section",
    "decimated",
    "deformation_sections",
    "figure_png",
    "fitted_model",
    "histogram",
    "map_figure",
    "mark_points",
    "network_gaps",
    "network_plot",
    "save_png",
    "scatter_against_truth",
    "seasons_section",
    "summary_table",
    "time_series_plot",
    "truth_section",
    "verdict_plot",
    "write_report",
]
