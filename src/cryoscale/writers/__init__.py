"""The rooms that write foreign files: Cloud-Optimized GeoTIFF."""

from cryoscale.writers.cog import write_cog

__all__ = ["write_cog"]
