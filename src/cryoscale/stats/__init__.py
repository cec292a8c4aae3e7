"""Statistics that several domains share: validation scores."""

from cryoscale.stats.scores import scores

__all__ = ["scores"]
