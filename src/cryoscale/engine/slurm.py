"""The configuration of SLURM jobs; what submits them needs an extra and lives in `cryoscale.engine.jobqueue`."""

from pathlib import Path

from pydantic import Field, field_validator

from cryoscale.config import Config, ConfigPath


class Slurm(Config):
    """The jobs that workers run in."""

    folder: ConfigPath = Field(
        Path("slurm"), description="folder that all nodes share: logs of the jobs, certificates while they run"
    )
    partition: str | None = Field(None, description="partition (queue); null: the default one")
    account: str | None = Field(None, description="account that is charged")
    walltime: str = Field("04:00:00", description="time limit of a job; a run that it ends goes on when started again")
    workers_per_job: int = Field(1, ge=1, description="worker processes, and cores, of one job")
    interface: str | None = Field(None, description="network interface between nodes and login node, as in ib0")
    python: str | None = Field(None, description="Python of the nodes; null: the one that runs this")
    prologue: tuple[str, ...] = Field((), description="shell lines before the worker, as in 'module load python'")
    job_extra: tuple[str, ...] = Field((), description="more options of sbatch, as in '--constraint=haswell'")

    @field_validator("walltime", mode="before")
    @classmethod
    def _walltime_is_quoted(cls, walltime: object) -> object:
        """YAML reads 12:00:00 as the number 43200, and SLURM reads a number as minutes."""
        if isinstance(walltime, int):
            raise ValueError("is a number; write it in quotes, as in '12:00:00'")  # noqa: TRY004 (pydantic's way)
        return walltime
