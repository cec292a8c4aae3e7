"""Running lazy datasets into stores: clusters, tiles, the plan before the run, progress, resume."""

from cryoscale.engine.cluster import Cluster, ClusterKind
from cryoscale.engine.plan import Plan, Step, plan_step
from cryoscale.engine.run import Summary, run
from cryoscale.engine.schedulers import Scheduler, open_scheduler
from cryoscale.engine.tiles import PixelCost, choose_tile

__all__ = [
    "Cluster",
    "ClusterKind",
    "PixelCost",
    "Plan",
    "Scheduler",
    "Step",
    "Summary",
    "choose_tile",
    "open_scheduler",
    "plan_step",
    "run",
]
