"""Print the table of ratios."""

from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.end_to_end import zarr_to_zarr
from benchmarks.kriging import gap_filling_speed
from benchmarks.nsbas import kernel_speed, thread_scaling
from benchmarks.permafrost import permafrost_map_speed


def machine() -> str:
    """Processor, cores and memory."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown processor")
    return f"{model}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"


def main() -> None:
    folder = Path("bench")
    folder.mkdir(exist_ok=True)
    table = Table("what", "figure", title=machine(), title_justify="left")
    for rows in (
        kernel_speed(),
        thread_scaling(),
        zarr_to_zarr(folder),
        gap_filling_speed(),
        permafrost_map_speed(folder.absolute() / "permafrost", side=240, years=2),
    ):
        for row in rows:
            table.add_row(*row)
    Console(width=110).print(table)


main()
