"""Readers: folders of interferograms from several processors into one canonical lazy stack."""

from cryoscale.readers.files import PairFiles, Rejected, StackFiles
from cryoscale.readers.gacos import open_gacos
from cryoscale.readers.gamma import find_gamma
from cryoscale.readers.hyp3 import find_hyp3
from cryoscale.readers.inspection import GridMismatch, Inspection, inspect_files
from cryoscale.readers.licsar import find_licsar
from cryoscale.readers.maps import open_map
from cryoscale.readers.stack import choose_strip_rows, lazy_stack, open_stack
from cryoscale.readers.table import read_table

__all__ = [
    "GridMismatch",
    "Inspection",
    "PairFiles",
    "Rejected",
    "StackFiles",
    "choose_strip_rows",
    "find_gamma",
    "find_hyp3",
    "find_licsar",
    "inspect_files",
    "lazy_stack",
    "open_gacos",
    "open_map",
    "open_stack",
    "read_table",
]
