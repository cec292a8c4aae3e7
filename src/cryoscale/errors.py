"""What can go wrong for a reason the user can mend: each message says which file, variable, value, and what to do."""

RESUME = "Tiles that are written are kept: the same command goes on from there."
"""What is true of every run that has ended early, whatever the reason."""


class CryoscaleError(Exception):
    """Base of every error whose message is meant for the user; the command line prints it without a traceback."""


class InputError(CryoscaleError, ValueError):
    """Data that cannot be used as they are: a file, a variable, a unit, a grid, a date."""


class ConfigError(CryoscaleError, ValueError):
    """A configuration that cannot be read or does not fit together."""


class StoreError(CryoscaleError, RuntimeError):
    """A Zarr store that is locked, incomplete, of another run, or not what its schema says."""


class ResourceError(CryoscaleError, RuntimeError):
    """A run that lacks memory, disk, workers, or the right to write where it should."""


class MissingExtraError(CryoscaleError, ImportError):
    """A library that only one product needs, and that has not been installed."""
