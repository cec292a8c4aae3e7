"""``python -m benchmarks``: every heart of the system against its peers and against the floor, in one run.

Writes ``bench/table.md`` and ``bench/table.json``, with the machine described. ``--only NSBAS plateau`` runs some
groups.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import kriging
from benchmarks.active_layer import active_layer_speed
from benchmarks.cdf import matching_speed
from benchmarks.end_to_end import zarr_to_zarr
from benchmarks.floors import zarr_to_zarr_floors
from benchmarks.heat import heat_speed
from benchmarks.moisture import moisture_speed
from benchmarks.nsbas import growing, kernel_speed, thread_scaling
from benchmarks.overhead import scheduler_overhead
from benchmarks.permafrost import permafrost_map_speed
from benchmarks.plateau import plateau_rehearsal
from benchmarks.plateau_inputs import Size

Rows = Sequence[tuple[str, str]]
LIBRARIES = ("numpy", "numba", "xarray", "dask", "distributed", "zarr", "scikit-learn")


def machine() -> dict[str, str]:
    """Processor, cores, memory, how busy it was at the start, and the versions that count."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown processor")
    return {
        "processor": f"{model}, {psutil.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "load at the start": f"{os.getloadavg()[0]:.1f}",
        "date": datetime.now(UTC).date().isoformat(),
    }


def groups(folder: Path) -> Mapping[str, Sequence[Callable[[], Rows]]]:
    """What is measured, by heart."""
    return {
        "NSBAS": (kernel_speed, thread_scaling, growing, lambda: zarr_to_zarr(folder)),
        "floors": (lambda: zarr_to_zarr_floors(folder),),
        "CDF matching": (matching_speed,),
        "kriging": (kriging.gap_filling_speed, kriging.growing),
        "heat": (heat_speed,),
        "moisture": (moisture_speed,),
        "permafrost": (lambda: permafrost_map_speed(folder.absolute() / "permafrost", side=240, years=2),),
        "active layer": (lambda: active_layer_speed(folder.absolute() / "active_layer", shape=(1024, 1024)),),
        "engine": (lambda: scheduler_overhead(folder),),
        "plateau": (lambda: plateau_rehearsal(Size()),),
    }


def markdown(about: Mapping[str, str], found: Mapping[str, Rows]) -> str:
    """The table as Markdown, the machine above it."""
    lines = ["# Benchmarks", "", *(f"- {name}: {text}" for name, text in about.items()), ""]
    lines += ["| group | what | figure |", "| --- | --- | --- |"]
    lines += [f"| {group} | {what} | {figure} |" for group, rows in found.items() for what, figure in rows]
    return "\n".join([*lines, ""])


def write(folder: Path, about: Mapping[str, str], found: Mapping[str, Rows]) -> None:
    """Both files, anew after every group: a run that is broken off leaves what it has found."""
    (folder / "table.md").write_text(markdown(about, found), encoding="utf-8")
    content = {
        "machine": about,
        "rows": [
            {"group": group, "what": what, "figure": figure} for group, rows in found.items() for what, figure in rows
        ],
    }
    (folder / "table.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def measure(folder: Path, *, only: Sequence[str] = ()) -> dict[str, Rows]:
    """Run the groups one after the other."""
    folder.mkdir(exist_ok=True, parents=True)
    about, found = machine(), dict[str, Rows]()
    for name, parts in groups(folder).items():
        if only and name not in only:
            continue
        start = time.perf_counter()
        rows = [row for part in parts for row in part()]
        found[name] = [*rows, (f"{name}: s that all of this took", f"{time.perf_counter() - start:.0f}")]
        write(folder, about, found)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("bench"))
    parser.add_argument("--only", nargs="+", default=(), choices=tuple(groups(Path("bench"))), metavar="GROUP")
    options = parser.parse_args()
    found = measure(options.folder, only=options.only)
    table = Table("what", "figure", title=", ".join(machine().values()), title_justify="left")
    for rows in found.values():
        for row in rows:
            table.add_row(*row)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
