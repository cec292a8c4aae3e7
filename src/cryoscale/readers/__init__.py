"""Readers: interferograms, surface temperatures, maps, outlines and tables of other programs, lazy and on one grid."""

from cryoscale.readers.areas import burn_areas
from cryoscale.readers.covariates import open_covariate
from cryoscale.readers.dated import DatedFiles, find_dated, open_dated
from cryoscale.readers.discharge import read_discharge
from cryoscale.readers.era5 import read_basin_climate
from cryoscale.readers.files import PairFiles, Rejected, StackFiles
from cryoscale.readers.gacos import open_gacos
from cryoscale.readers.gamma import find_gamma
from cryoscale.readers.ground_units import open_ground_units
from cryoscale.readers.hyp3 import find_hyp3
from cryoscale.readers.ice_content import read_ice_logs, read_ice_table
from cryoscale.readers.inspection import GridMismatch, Inspection, inspect_files
from cryoscale.readers.labelled import read_labels
from cryoscale.readers.land_cover import open_land_cover
from cryoscale.readers.licsar import find_licsar
from cryoscale.readers.lst import open_lst
from cryoscale.readers.lst_encoding import TemperatureUnit
from cryoscale.readers.lst_files import LstFiles, find_lst
from cryoscale.readers.lst_names import LstFormat
from cryoscale.readers.lst_window import grid_of_part
from cryoscale.readers.maps import open_map
from cryoscale.readers.mine import HEAP, PIT, read_mine
from cryoscale.readers.points import Located, locate, read_boreholes, read_stations, read_thaw_depths
from cryoscale.readers.soil_moisture import read_moisture_samples
from cryoscale.readers.stack import choose_strip_rows, lazy_stack, open_stack
from cryoscale.readers.table import read_table
from cryoscale.readers.vectors import open_mask
from cryoscale.readers.warp import Resampling, open_on_grid
from cryoscale.readers.yearly import read_years

__all__ = [
    "HEAP",
    "PIT",
    "DatedFiles",
    "GridMismatch",
    "Inspection",
    "Located",
    "LstFiles",
    "LstFormat",
    "PairFiles",
    "Rejected",
    "Resampling",
    "StackFiles",
    "TemperatureUnit",
    "burn_areas",
    "choose_strip_rows",
    "find_dated",
    "find_gamma",
    "find_hyp3",
    "find_licsar",
    "find_lst",
    "grid_of_part",
    "inspect_files",
    "lazy_stack",
    "locate",
    "open_covariate",
    "open_dated",
    "open_gacos",
    "open_ground_units",
    "open_land_cover",
    "open_lst",
    "open_map",
    "open_mask",
    "open_on_grid",
    "open_stack",
    "read_basin_climate",
    "read_boreholes",
    "read_discharge",
    "read_ice_logs",
    "read_ice_table",
    "read_labels",
    "read_mine",
    "read_moisture_samples",
    "read_stations",
    "read_table",
    "read_thaw_depths",
    "read_years",
]
