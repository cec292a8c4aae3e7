"""Synthetic worlds with known truth, for the demo, the tests, the notebooks and the benchmarks."""

from cryoscale.scenes.active_layer import ActiveLayerScene, active_layer_scene
from cryoscale.scenes.active_layer_files import ActiveLayerFiles, active_layer_files, write_active_layer
from cryoscale.scenes.basin import Basin, basin_scene, write_basin
from cryoscale.scenes.deformation import Scene, datong_scene
from cryoscale.scenes.disturbances import TYPICAL, UNDISTURBED, Disturbances
from cryoscale.scenes.files import LongtermFiles, longterm_files, write_longterm, write_table
from cryoscale.scenes.flaws import Flaw
from cryoscale.scenes.gacos import write_gacos
from cryoscale.scenes.licsar import write_licsar
from cryoscale.scenes.longterm import LongtermScene, datong_longterm_scene
from cryoscale.scenes.moisture import MoistureScene, moisture_scene
from cryoscale.scenes.moisture_files import MoistureFiles, moisture_files, write_moisture
from cryoscale.scenes.muli import MuliScene, muli_scene
from cryoscale.scenes.muli_files import MuliFiles, muli_files, write_muli
from cryoscale.scenes.season import Season
from cryoscale.scenes.sparse import SPARSE_PAIRS
from cryoscale.scenes.tarim import TarimScene, tarim_scene
from cryoscale.scenes.tarim_files import TarimFiles, tarim_files, write_tarim

__all__ = [
    "SPARSE_PAIRS",
    "TYPICAL",
    "UNDISTURBED",
    "ActiveLayerFiles",
    "ActiveLayerScene",
    "Basin",
    "Disturbances",
    "Flaw",
    "LongtermFiles",
    "LongtermScene",
    "MoistureFiles",
    "MoistureScene",
    "MuliFiles",
    "MuliScene",
    "Scene",
    "Season",
    "TarimFiles",
    "TarimScene",
    "active_layer_files",
    "active_layer_scene",
    "basin_scene",
    "datong_longterm_scene",
    "datong_scene",
    "longterm_files",
    "moisture_files",
    "moisture_scene",
    "muli_files",
    "muli_scene",
    "tarim_files",
    "tarim_scene",
    "write_active_layer",
    "write_basin",
    "write_gacos",
    "write_licsar",
    "write_longterm",
    "write_moisture",
    "write_muli",
    "write_table",
    "write_tarim",
]
