"""Synthetic worlds with known truth, for the demo, the tests, the notebooks and the benchmarks."""

from cryoscale.scenes.deformation import Scene, datong_scene
from cryoscale.scenes.licsar import write_licsar
from cryoscale.scenes.season import Season

__all__ = ["Scene", "Season", "datong_scene", "write_licsar"]
